# Likelihood-ratio tests, reduced random terms, dropped fixed terms and profile intervals: what lme4 and lmerTest give.
# Run in this directory: Rscript compare.R   (writes compare.json; R 4.2.2, lme4 1.1-31, lmerTest 3.1-3; ten minutes)
# Weights and offsets are made by arithmetic alone, row i = 1, 2, ...: w = 0.5 + (i mod 5) / 2, o = sin(i) rounded to 6 digits.
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
num <- function(x) unname(as.numeric(x))
tables <- "../../mlm_widgets/datasets"
made <- function(d) { i <- seq_len(nrow(d)); d$w <- 0.5 + (i %% 5) / 2; d$o <- round(sin(i), 6); d }
load <- function(name) made(read.csv(file.path(tables, paste0(name, ".csv")), stringsAsFactors = TRUE))
data(sleepstudy, package = "lme4")
sleepstudy <- made(sleepstudy)
sleepstudy$week <- factor(ifelse(sleepstudy$Days < 4, "early", ifelse(sleepstudy$Days < 7, "middle", "late")), levels = c("early", "middle", "late"))
hsb <- load("hsb"); hsb$cses <- hsb$ses - hsb$meanses; hsb$sector <- as.integer(hsb$sector == "Catholic")
penicillin <- load("penicillin"); pastes <- load("pastes"); dyestuff2 <- load("dyestuff2")
data(cake, package = "lme4"); cake$recipe <- factor(cake$recipe)
crossed <- made(read.csv("crossed.csv", stringsAsFactors = TRUE))
for (f in c("person", "item", "kind")) if (!is.null(crossed[[f]])) crossed[[f]] <- factor(crossed[[f]])
data(cbpp, package = "lme4")
contraception <- load("contraception"); contraception$district <- factor(contraception$district)
tight <- lmerControl(optimizer = "bobyqa", calc.derivs = FALSE, optCtrl = list(rhoend = 1e-10, maxfun = 1e5))
gtight <- glmerControl(optimizer = "bobyqa", calc.derivs = FALSE, tolPwrss = 1e-12, optCtrl = list(rhoend = 1e-9, maxfun = 1e5))
E <- globalenv()

model <- function(formula, data, REML = TRUE, weights = NULL, offset = NULL, family = NULL, nAGQ = 1) {
  call <- list(if (is.null(family)) quote(lmerTest::lmer) else quote(lme4::glmer), formula = as.formula(formula, env = E), data = as.name(data))
  if (is.null(family)) { call$REML <- REML; call$control <- quote(tight) }
  else { call$family <- as.name(family); call$control <- quote(gtight); call$nAGQ <- nAGQ }
  if (!is.null(weights)) call$weights <- as.name(weights)
  if (!is.null(offset)) call$offset <- as.name(offset)
  suppressWarnings(suppressMessages(eval(as.call(call), E)))
}
keep <- function(id, kind, own) {
  refs[[id]] <<- c(list(id = id, kind = kind), own)
  write_json(refs, "compare.json", digits = 12, auto_unbox = TRUE, pretty = FALSE, null = "null", na = "null")
  cat(id, "\n")
}
refs <- list()

lrt <- function(id, formulas, data, ...) {
  fits <- lapply(formulas, model, data = data, ...)
  a <- suppressMessages(do.call(anova, unname(fits)))
  keep(id, "lrt", list(formulas = formulas, data = data, options = list(...), npar = num(a$npar), AIC = num(a$AIC), BIC = num(a$BIC),
    logLik = num(a$logLik), deviance = num(a$deviance), Chisq = num(a$Chisq), Df = num(a$Df), p = num(a[["Pr(>Chisq)"]])))
}
lrt("lrt_random", c("Reaction ~ Days + (1 | Subject)", "Reaction ~ Days + (Days || Subject)", "Reaction ~ Days + (Days | Subject)"), "sleepstudy", REML = TRUE)
lrt("lrt_fixed", c("mathach ~ cses + (cses | school)", "mathach ~ cses + meanses + (cses | school)", "mathach ~ cses * sector + meanses + (cses | school)"), "hsb")
lrt("lrt_weights", c("y ~ x + (1 | person)", "y ~ x + kind + (x | person)"), "crossed", weights = "w", offset = "o")
lrt("lrt_binomial", c("cbind(incidence, size - incidence) ~ 1 + (1 | herd)", "cbind(incidence, size - incidence) ~ period + (1 | herd)"), "cbpp", family = "binomial")
lrt("lrt_slope_binomial", c("use ~ age + urban + (1 | district)", "use ~ age + urban + (urban | district)"), "contraception", family = "binomial")

ran <- function(id, formula, data, REML = TRUE, ...) {
  a <- suppressWarnings(suppressMessages(ranova(model(formula, data, REML = REML, ...))))
  keep(id, "ranova", list(formula = formula, data = data, REML = REML, options = list(...), rows = rownames(a), npar = num(a$npar), logLik = num(a$logLik),
    AIC = num(a$AIC), LRT = num(a$LRT), df = num(a$Df), p = num(a[["Pr(>Chisq)"]])))
}
ran("ranova_slope", "Reaction ~ Days + (Days | Subject)", "sleepstudy")
ran("ranova_slope_ml", "Reaction ~ Days + (Days | Subject)", "sleepstudy", REML = FALSE)
ran("ranova_double_bar", "Reaction ~ Days + (Days || Subject)", "sleepstudy")
ran("ranova_factor", "Reaction ~ week + (week | Subject)", "sleepstudy")
ran("ranova_crossed", "diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin")
ran("ranova_nested", "strength ~ 1 + (1 | batch/cask)", "pastes")
ran("ranova_slopes", "y ~ x * kind + (x | person) + (x | item)", "crossed")
ran("ranova_two_slopes", "y ~ x + z + (x + z | person)", "crossed")
ran("ranova_hsb", "mathach ~ cses + (cses | school)", "hsb")
ran("ranova_weights", "y ~ x + (x | person)", "crossed", weights = "w", offset = "o")

drop <- function(id, formula, data, ...) {
  a <- suppressWarnings(suppressMessages(lme4:::drop1.merMod(as(model(formula, data, ...), if (is.null(list(...)$family)) "lmerMod" else "glmerMod"), test = "Chisq")))
  keep(id, "drop1", list(formula = formula, data = data, options = list(...), rows = rownames(a), npar = num(a$npar), AIC = num(a$AIC), LRT = num(a$LRT), p = num(a[["Pr(Chi)"]])))
}
drop("drop1_interaction", "mathach ~ cses * sector + meanses + (cses | school)", "hsb")
drop("drop1_main", "y ~ x + z + kind + (1 | person)", "crossed")
drop("drop1_cake", "angle ~ recipe * temp + (1 | recipe:replicate)", "cake")
drop("drop1_binomial", "use ~ age + I(age^2) + urban + livch + (1 | district)", "contraception", family = "binomial")

# the limits lie where lme4's own curve of zeta crosses; its steps are made eight times as fine as by default
prof <- function(id, formula, data, ..., which = NULL, delta = 0.06) {
  m <- model(formula, data, ...)
  m <- if (isGLMM(m)) m else refitML(m)
  p <- suppressWarnings(if (is.null(which)) profile(m, signames = FALSE, delta = delta, maxpts = 400, devtol = 1e-4) else profile(m, signames = FALSE, which = which, delta = delta, maxpts = 400, devtol = 1e-4))
  ci <- suppressWarnings(confint(p)); wide <- suppressWarnings(confint(p, level = 0.9))
  keep(id, "profile", list(formula = formula, data = data, options = list(...), deviance = num(-2 * logLik(m)), names = rownames(ci),
    lower = num(ci[, 1]), upper = num(ci[, 2]), lower90 = num(wide[, 1]), upper90 = num(wide[, 2])))
}
try(prof("profile_slope", "Reaction ~ Days + (Days | Subject)", "sleepstudy"))
try(prof("profile_double_bar", "Reaction ~ Days + (Days || Subject)", "sleepstudy"))
try(prof("profile_weights", "y ~ x + (x | person)", "crossed", weights = "w"))
try(prof("profile_crossed", "diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin"))
try(prof("profile_nested", "strength ~ 1 + (1 | batch/cask)", "pastes"))
try(prof("profile_cake", "angle ~ recipe * temp + (1 | recipe:replicate)", "cake"))
try(prof("profile_singular", "Yield ~ 1 + (1 | Batch)", "dyestuff2"))
try(prof("profile_binomial", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp", family = "binomial"))
try(prof("profile_agq", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp", family = "binomial", nAGQ = 9))
try(prof("profile_crossed_slopes", "y ~ x + z + (x | person) + (1 | item)", "crossed"))
try(prof("profile_binomial_slope", "use ~ age + urban + (urban | district)", "contraception", family = "binomial"))

# with prior weights lme4 1.1-31 profiles fixed effects from another deviance than the fit's: found here by refits
by_hand <- function(id, formula, without, column, data, weights) {
  m <- model(formula, data, REML = FALSE, weights = weights)
  dev <- function(b) { d <- get(data, E); d$held <- b * (if (column == "1") 1 else d[[column]]); assign("held_data", d, E)
    as.numeric(-2 * logLik(model(without, "held_data", REML = FALSE, weights = weights, offset = "held"))) }
  base <- as.numeric(-2 * logLik(m)); b <- fixef(m)[[if (column == "1") "(Intercept)" else column]]
  se <- sqrt(diag(as.matrix(vcov(m))))[[if (column == "1") 1 else match(column, names(fixef(m)))]]
  at <- function(lo, hi) uniroot(function(x) dev(x) - base - qchisq(0.95, 1), c(lo, hi), tol = 1e-8)$root
  keep(id, "held", list(formula = formula, data = data, weights = weights, column = column, lower = at(b - 6 * se, b - se), upper = at(b + se, b + 6 * se)))
}
by_hand("held_slope", "y ~ x + (x | person)", "y ~ 1 + (x | person)", "x", "crossed", "w")
by_hand("held_intercept", "y ~ x + (x | person)", "y ~ 0 + x + (x | person)", "1", "crossed", "w")
