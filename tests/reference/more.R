# Models beyond lme4.json, on tables that R ships or that are made here by arithmetic alone (no random numbers of R).
# Run in this directory: Rscript more.R     (writes more.json; lme4, lmerTest, jsonlite of Debian 12: R 4.2.2, lme4 1.1-31)
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
num <- function(x) unname(as.numeric(x))
refs <- list()
crit <- function(m) if (isREML(m)) REMLcrit(m) else deviance(m)

put <- function(id, formula, d, data, REML = TRUE, contrasts = NULL) {
  f <- as.formula(formula)
  m <- suppressWarnings(suppressMessages(lmerTest::lmer(f, data = d, REML = REML, contrasts = contrasts)))
  # lmer stops early: again from its optimum, tightly, by two optimisers, and the better one is kept
  for (o in c("bobyqa", "Nelder_Mead")) {
    again <- tryCatch(suppressWarnings(suppressMessages(update(m, start = getME(m, "theta"), control = lmerControl(
      optimizer = o, optCtrl = if (o == "bobyqa") list(rhoend = 1e-10, maxfun = 1e5) else list(FtolAbs = 1e-14, FtolRel = 1e-15, XtolRel = 1e-12, maxfun = 1e5),
      calc.derivs = FALSE)))), error = function(e) NULL)
    if (!is.null(again) && crit(again) <= crit(m)) m <- again
  }
  s <- coef(summary(m))
  v <- VarCorr(m)
  refs[[id]] <<- list(
    id = id, formula = formula, data = data, REML = REML, criterion = crit(m), sigma = sigma(m), singular = isSingular(m),
    names = rownames(s), estimate = num(s[, "Estimate"]), se = num(s[, "Std. Error"]), df = num(s[, "df"]), t = num(s[, "t value"]), p = num(s[, "Pr(>|t|)"]),
    terms = attr(terms(m), "term.labels"),
    sd = lapply(v, function(x) list(names = rownames(x), sd = num(attr(x, "stddev")), cor = num(attr(x, "correlation")))),
    fitted_head = num(fitted(m))[1:8])
  cat(id, crit(m), isSingular(m), "\n")
  invisible(m)
}

data(sleepstudy, package = "lme4"); data(cake, package = "lme4"); data(Penicillin, package = "lme4"); data(Machines, package = "nlme")
cake$recipe <- factor(cake$recipe); cake$temperature <- factor(cake$temperature, ordered = FALSE)
sleepstudy$week <- factor(ifelse(sleepstudy$Days < 4, "early", ifelse(sleepstudy$Days < 7, "middle", "late")), levels = c("early", "middle", "late"))
sleepstudy$Late <- as.numeric(sleepstudy$Days > 4)

put("interaction_of_factor", "Reaction ~ week * Days + (1 | Subject)", sleepstudy, "sleepstudy")
put("poly", "Reaction ~ poly(Days, 2) + (Days | Subject)", sleepstudy, "sleepstudy")
put("poly_ml", "Reaction ~ poly(Days, 2) + (Days | Subject)", sleepstudy, "sleepstudy", REML = FALSE)
put("contr_sum", "angle ~ C(recipe, contr.sum) * temp + (1 | recipe:replicate)", cake, "cake")
put("contr_helmert", "Reaction ~ C(week, contr.helmert) + (Days | Subject)", sleepstudy, "sleepstudy")
put("power", "Reaction ~ Days + I(Days^2) + (1 | Subject)", sleepstudy, "sleepstudy")
put("double_bar", "Reaction ~ Days + (Days || Subject)", sleepstudy, "sleepstudy")
put("log_outcome", "log(Reaction) ~ Days + (Days | Subject)", sleepstudy, "sleepstudy")
put("no_intercept_factor", "Reaction ~ 0 + week + (1 | Subject)", sleepstudy, "sleepstudy")
put("interaction_without_main", "Reaction ~ week:Days + (1 | Subject)", sleepstudy, "sleepstudy")
put("factor_slopes", "Reaction ~ week + (week | Subject)", sleepstudy, "sleepstudy", REML = FALSE)

# An unbalanced crossed design made by arithmetic: 24 persons, 15 items, about three fifths of the cells, some twice.
# The same table is in tests/reference/crossed.csv.
grid <- expand.grid(item = 1:15, person = 1:24)
h <- function(a, b, c) ((sin(a * 12.9898 + b * 78.233 + c * 37.719) * 43758.5453) %% 1) - 0.5   # a hash in [-0.5, 0.5)
grid <- grid[h(grid$item, grid$person, 1) > -0.1, ]
grid <- rbind(grid, grid[h(grid$item, grid$person, 2) > 0.3, ])
n <- nrow(grid); i <- seq_len(n)
grid$x <- round(4 * h(i, 3, 3), 6)
grid$z <- round(3 + 2 * h(i, 5, 9), 6)
grid$kind <- c("a", "b", "c")[1 + (grid$item %% 3)]
grid$y <- round(2 + grid$x + 3 * h(grid$person, 0, 4) + 2 * h(grid$item, 0, 5) + 1.2 * grid$x * h(grid$person, 0, 6) +
                0.8 * grid$x * h(grid$item, 0, 7) + (grid$kind == "b") + 2 * h(i, 1, 8), 6)
grid$person <- sprintf("p%02d", grid$person); grid$item <- sprintf("i%02d", grid$item)
write.csv(grid, "crossed.csv", row.names = FALSE, quote = FALSE)
crossed <- read.csv("crossed.csv", stringsAsFactors = TRUE)
put("crossed_intercepts", "y ~ x + kind + (1 | person) + (1 | item)", crossed, "crossed")
put("crossed_slopes", "y ~ x * kind + (x | person) + (x | item)", crossed, "crossed")
put("crossed_slopes_ml", "y ~ x * kind + (x | person) + (x | item)", crossed, "crossed", REML = FALSE)
put("crossed_double_bar", "y ~ x + z + (x + z || person) + (1 | item)", crossed, "crossed")
put("slope_without_intercept", "y ~ x + z + (0 + x | person) + (1 | item)", crossed, "crossed")
put("three_factors", "y ~ x + (1 | person) + (1 | item) + (1 | kind)", crossed, "crossed")
put("no_fixed_effects", "y ~ 0 + x + (1 | person)", crossed, "crossed")
put("factor_slope_groups", "y ~ kind + (0 + kind | person)", crossed, "crossed")
put("nested", "y ~ x + (1 | kind/item)", crossed, "crossed")
writeLines(toJSON(refs, digits = 12, auto_unbox = TRUE, null = "null", na = "null"), "more.json")
