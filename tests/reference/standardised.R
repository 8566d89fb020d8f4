# Standardised coefficients: what R's parameters and effectsize give for lme4's fits.
# Run in this directory: Rscript standardised.R   (writes standardised.json; R 4.2.2, lme4 1.1-31, parameters 0.20.2,
# effectsize 0.8.3, datawizard). Limits are Wald's with normal quantiles, as df_method = "normal" here.
# "pseudo" refits the outcome's null model by REML.
suppressMessages({library(lme4); library(parameters); library(effectsize); library(jsonlite)})
data(sleepstudy, package = "lme4")
own <- read.csv("data/shares.csv", stringsAsFactors = TRUE)
tables <- list(sleepstudy = sleepstudy, shares = own)
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5), calc.derivs = FALSE)
gcontrol <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e5), tolPwrss = 1e-12)
refs <- list()
put <- function(id, formula, data, methods, REML = TRUE, family = NULL) {
  d <- tables[[data]]
  own <- list(id = id, formula = formula, data = data, REML = REML, family = family)
  call <- if (is.null(family)) bquote(lmer(.(as.formula(formula)), data = d, REML = .(REML), control = control))
          else bquote(glmer(.(as.formula(formula)), data = d, family = .(family), control = gcontrol))
  assign("d", d, envir = globalenv())
  m <- eval(call, globalenv())
  for (method in methods) {
    s <- suppressWarnings(suppressMessages(standardize_parameters(m, method = method, ci_method = "normal")))
    s <- as.data.frame(s)
    own[[method]] <- list(estimate = s$Std_Coefficient, low = s$CI_low, high = s$CI_high)
  }
  refs[[id]] <<- own
}
every <- c("refit", "basic", "pseudo")
put("sleepstudy", "Reaction ~ Days + (Days | Subject)", "sleepstudy", every)
put("levels", "y ~ xw + xb + (xw | g)", "shares", every)
put("cross_level", "y ~ xw * xb + (xw | g)", "shares", every)
put("ml", "y ~ xw + xb + kind + (1 | g)", "shares", c("refit", "basic"), REML = FALSE)
put("square", "y ~ x + I(x^2) + xb + (1 | g)", "shares", "refit")
put("factor", "y ~ kind * x + (1 | g)", "shares", c("refit", "basic"))
put("binomial", "hit ~ x + xb + kind + (1 | g)", "shares", c("refit", "basic"), family = "binomial")
put("poisson", "count ~ xw * xb + (1 | g)", "shares", c("refit", "basic"), family = "poisson")
write(toJSON(unname(refs), auto_unbox = TRUE, digits = NA, null = "null", pretty = TRUE), "standardised.json")
