# Chains of nested factors, and crossed factors that meet in places: what lme4 gives.
# Run in this directory: Rscript chain.R    (writes chain.json; R 4.2.2, lme4 1.1-31, lmerTest 3.1-3)
# chain.csv: pupils in classes in schools in regions, in several years and with several teachers; simulated.
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
num <- function(x) unname(as.numeric(x))
refs <- list()
crit <- function(m) if (isREML(m)) REMLcrit(m) else deviance(m)
d <- read.csv("chain.csv", stringsAsFactors = TRUE)

put <- function(id, formula, REML = TRUE) {
  call <- list(quote(lmerTest::lmer), formula = as.formula(formula), data = quote(d), REML = REML)
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
  vc <- as.data.frame(VarCorr(m))
  r <- ranef(m, condVar = TRUE)
  refs[[id]] <<- list(
    id = id, formula = formula, REML = REML, criterion = crit(m), sigma = sigma(m), singular = isSingular(m),
    estimate = num(s[, "Estimate"]), se = num(s[, "Std. Error"]), df = num(s[, "df"]),
    variance = vc$vcov[is.na(vc$var2)], group = vc$grp[is.na(vc$var2)], term = vc$var1[is.na(vc$var2)],
    modes = lapply(r, function(x) list(levels = rownames(x)[1:3], values = unname(as.matrix(x))[1:3, , drop = FALSE],
      sd = { v <- attr(x, "postVar"); if (is.list(v)) NULL else t(sqrt(apply(v, 3, diag)))[1:3] })))
  cat(id, crit(m), isSingular(m), "\n")
}

for (REML in c(TRUE, FALSE)) {
  tag <- if (REML) "" else ", ML"
  put(paste0("three", tag), "y ~ x + (1 | region / school / klass)", REML)
  put(paste0("four", tag), "y ~ x + (1 | region / school / klass / pupil)", REML)
  put(paste0("and years", tag), "y ~ x + (1 | school:region) + (1 | klass:school:region) + (1 | pupil) + (1 | year)", REML)
  put(paste0("teachers", tag), "y ~ x + (1 | pupil) + (1 | teacher)", REML)
  put(paste0("chain and teachers", tag), "y ~ x + (1 | pupil) + (1 | teacher) + (1 | region)", REML)
}
put("slopes", "y ~ x + (x | school:region) + (x | klass:school:region) + (1 | pupil)")
put("slopes of teachers", "y ~ x + (1 | pupil) + (x | teacher)")
put("noise", "noise ~ x + (1 | region / school / klass / pupil)")
put("noise, teachers", "noise ~ x + (1 | pupil) + (1 | teacher)")
writeLines(toJSON(refs, digits = 12, auto_unbox = TRUE, null = "null", na = "null"), "chain.json")
