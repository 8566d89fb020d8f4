# Prior weights, offsets, hat values, coefficients by group and conditional covariances: what lme4 gives.
# Run in this directory: Rscript engine.R    (writes engine.json; R 4.2.2, lme4 1.1-31, lmerTest 3.1-3)
# Weights and offsets are made by arithmetic alone, row i = 1, 2, ...: w = 0.5 + (i mod 5) / 2, o = sin(i) rounded to 6 digits.
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
num <- function(x) unname(as.numeric(x))
refs <- list()
crit <- function(m) if (isREML(m)) REMLcrit(m) else deviance(m)
made <- function(d) { i <- seq_len(nrow(d)); d$w <- 0.5 + (i %% 5) / 2; d$o <- round(sin(i), 6); d }

put <- function(id, formula, data, d, REML = TRUE, weights = NULL, offset = NULL, newdata = NULL) {
  call <- list(quote(lmerTest::lmer), formula = as.formula(formula), data = quote(d), REML = REML)
  if (!is.null(weights)) call$weights <- as.name(weights)
  if (!is.null(offset)) call$offset <- as.name(offset)
  environment(call$formula) <- environment()
  m <- suppressWarnings(suppressMessages(eval(as.call(call))))
  # lmer stops early: again from its optimum, tightly, by two optimisers, and the better one is kept
  for (o in c("bobyqa", "Nelder_Mead")) {
    call$start <- getME(m, "theta")
    call$control <- lmerControl(optimizer = o, calc.derivs = FALSE, optCtrl =
      if (o == "bobyqa") list(rhoend = 1e-10, maxfun = 1e5) else list(FtolAbs = 1e-14, FtolRel = 1e-15, XtolRel = 1e-12, maxfun = 1e5))
    again <- suppressWarnings(suppressMessages(eval(as.call(call))))
    if (crit(again) <= crit(m)) m <- again
  }
  s <- coef(summary(m))
  own <- list(
    id = id, formula = formula, data = data, REML = REML, weights = weights, offset = offset,
    criterion = crit(m), sigma = sigma(m), theta = num(getME(m, "theta")), singular = isSingular(m),
    estimate = num(s[, "Estimate"]), se = num(s[, "Std. Error"]), df = num(s[, "df"]),
    AIC = AIC(m), BIC = BIC(m),
    fitted = num(fitted(m)), response = num(residuals(m, "response")), pearson = num(residuals(m, "pearson")),
    hat = num(hatvalues(m)),
    coef = lapply(coef(m), function(x) list(levels = rownames(x), terms = colnames(x), values = unname(as.matrix(x)))))
  r <- ranef(m, condVar = TRUE)
  own$condvar <- lapply(r, function(x) { v <- attr(x, "postVar"); if (is.list(v)) NULL else list(levels = rownames(x), values = aperm(v, c(3, 1, 2))) })
  refs[[id]] <<- own
  cat(id, crit(m), isSingular(m), "\n")
  invisible(m)
}

data(sleepstudy, package = "lme4"); sleepstudy <- made(sleepstudy)
crossed <- made(read.csv("crossed.csv", stringsAsFactors = TRUE))
data(Pastes, package = "lme4"); pastes <- made(Pastes)
put("plain", "Reaction ~ Days + (Days | Subject)", "sleepstudy", sleepstudy)
put("weights", "Reaction ~ Days + (Days | Subject)", "sleepstudy", sleepstudy, weights = "w")
put("weights_ml", "Reaction ~ Days + (Days | Subject)", "sleepstudy", sleepstudy, REML = FALSE, weights = "w")
put("weights_double_bar", "Reaction ~ Days + (Days || Subject)", "sleepstudy", sleepstudy, weights = "w")
put("offset", "y ~ x + (1 | person)", "crossed", crossed, offset = "o")
put("both", "y ~ x + kind + (x | person)", "crossed", crossed, weights = "w", offset = "o")
put("both_ml", "y ~ x + kind + (x | person)", "crossed", crossed, REML = FALSE, weights = "w", offset = "o")
put("crossed_plain", "y ~ x + (x | person) + (1 | item)", "crossed", crossed)
put("crossed_both", "y ~ x + (x | person) + (1 | item)", "crossed", crossed, weights = "w", offset = "o")
put("three_both", "y ~ x + (1 | person) + (1 | item) + (1 | kind)", "crossed", crossed, weights = "w", offset = "o")
put("nested_weights", "strength ~ 1 + (1 | batch/cask)", "pastes", pastes, weights = "w")
put("no_intercept_weights", "y ~ 0 + x + (0 + x | person)", "crossed", crossed, weights = "w")
put("slope_without_fixed", "y ~ 1 + (x | person)", "crossed", crossed, weights = "w")
writeLines(toJSON(refs, digits = 12, auto_unbox = TRUE, null = "null", na = "null"), "engine.json")
