# What R tells of generalized models: residuals, ICC and R2, overdispersion, zeros, predictions without random effects.
# Run in this directory after glmm.R (which makes data/generalized.csv): Rscript told.R    (writes told.json)
# Debian 12: R 4.2.2, lme4 1.1-31, glmmTMB 1.1.5, performance 0.10.2, insight 0.19.0, MASS, jsonlite.
suppressMessages({library(lme4); library(glmmTMB); library(performance); library(jsonlite)})
num <- function(x) unname(as.numeric(x))
data(cbpp, package = "lme4"); data(grouseticks, package = "lme4")
d <- read.csv("data/generalized.csv"); for (f in c("g", "h", "k")) d[[f]] <- factor(d[[f]])
tables <- list(cbpp = cbpp, grouseticks = grouseticks, generalized = d)

# Residuals of glmer fits in the first 40 rows, at glmer's linear predictor (theta: of the negative binomial, R's size).
kinds <- c("response", "pearson", "deviance", "working")
residuals_of <- function(id, formula, data, family, name, link, theta = NULL) {
  frame <- tables[[data]]
  m <- if (is.null(theta)) glmer(as.formula(formula), frame, family = family) else glmer(as.formula(formula), frame, family = MASS::negative.binomial(theta))
  list(id = id, formula = formula, data = data, family = name, link = link, theta = theta, eta = num(predict(m, type = "link"))[1:40],
       residuals = sapply(kinds, function(kind) num(residuals(m, type = kind))[1:40], simplify = FALSE))
}
residuals <- list(
  residuals_of("trials", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp", binomial(), "binomial", "logit"),
  residuals_of("bernoulli_probit", "use ~ x + (1 | g)", "generalized", binomial("probit"), "binomial", "probit"),
  residuals_of("bernoulli_cloglog", "seen ~ x + (1 | g)", "generalized", binomial("cloglog"), "binomial", "cloglog"),
  residuals_of("poisson_offset", "count ~ x + offset(log(v)) + (1 | g)", "generalized", poisson(), "poisson", "log"),
  residuals_of("poisson_sqrt", "root ~ z + (1 | g)", "generalized", poisson("sqrt"), "poisson", "sqrt"),
  residuals_of("nb", "nb ~ x + (1 | g)", "generalized", NULL, "negative_binomial", "log", theta = 1.7),
  residuals_of("gamma", "time ~ x + (1 | g)", "generalized", Gamma("log"), "gamma", "log"),
  residuals_of("gaussian_log", "length ~ x + (1 | g)", "generalized", gaussian("log"), "gaussian", "log"))

# Deviance residuals of an inverse Gaussian outcome, by R's own family (glmer fits it badly).
y <- c(0.3, 1, 2.5, 7); mu <- c(0.5, 1, 2, 9); f <- inverse.gaussian()
inverse_gaussian <- list(y = y, mu = mu, deviance = f$dev.resids(y, mu, rep(1, 4)), variance = f$variance(mu))

# Shares of variance and checks by performance, of glmmTMB's fits; b0: the intercept of insight's null model, exp() of
# which this insight takes for the mean.
shares_of <- function(id, formula, data, family, name, link) {  # insight updates the model from the global environment
  used <<- tables[[data]]; environment(formula) <- globalenv()
  m <- suppressWarnings(do.call(glmmTMB, list(formula, data = quote(used), family = family)))
  i <- suppressWarnings(icc(m)); r <- suppressWarnings(r2(m)); null <- suppressWarnings(insight::null_model(m))
  over <- tryCatch(check_overdispersion(m), error = function(e) NULL); zeros <- tryCatch(check_zeroinflation(m), error = function(e) NULL)
  list(id = id, formula = paste(deparse(formula), collapse = ""), data = data, family = name, link = link, logLik = as.numeric(logLik(m)), sigma = sigma(m),
       b0 = num(fixef(null)$cond), icc_adjusted = i$ICC_adjusted, icc_unadjusted = i$ICC_unadjusted,
       r2_marginal = num(r$R2_marginal), r2_conditional = num(r$R2_conditional),
       overdispersion = if (!is.null(over)) over[c("chisq_statistic", "dispersion_ratio", "residual_df", "p_value")],
       zeros = if (!is.null(zeros)) zeros[c("predicted.zeros", "observed.zeros")])
}
shares <- list(
  shares_of("logit", use ~ x + z + (1 | g), "generalized", binomial(), "binomial", "logit"),
  shares_of("trials", cbind(won, size - won) ~ x + z + (1 | g), "generalized", binomial(), "binomial", "logit"),
  shares_of("probit", use ~ x + (x | g), "generalized", binomial("probit"), "binomial", "probit"),
  shares_of("cloglog", seen ~ x + (1 | g), "generalized", binomial("cloglog"), "binomial", "cloglog"),
  shares_of("poisson", count ~ x + (1 | g) + (1 | h), "generalized", poisson(), "poisson", "log"),
  shares_of("poisson_sqrt", root ~ z + (1 | g), "generalized", poisson("sqrt"), "poisson", "sqrt"),
  shares_of("poisson_rows", TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION), "grouseticks", poisson(), "poisson", "log"),
  shares_of("nb", nb ~ x + (1 | g), "generalized", nbinom2(), "negative_binomial", "log"),
  shares_of("gamma", time ~ x + (1 | g), "generalized", Gamma("log"), "gamma", "log"))

# Predictions with random effects of zero, and their standard errors on both scales.
predictions_of <- function(id, formula, family, name, link, x) {
  environment(formula) <- environment()
  m <- do.call(glmmTMB, list(formula, data = quote(d), family = family))
  new <- data.frame(x = x, g = NA); out <- list(id = id, formula = paste(deparse(formula), collapse = ""), family = name, link = link, x = x)
  for (type in c("link", "response")) { p <- predict(m, new, re.form = NA, se.fit = TRUE, type = type); out[[paste0("on_", type)]] <- list(estimate = num(p$fit), std_error = num(p$se.fit)) }
  out
}
x <- c(-2, -0.5, 0, 1, 3)
predictions <- list(
  predictions_of("logit", use ~ x + (x | g), binomial(), "binomial", "logit", x),
  predictions_of("cloglog", seen ~ x + (1 | g), binomial("cloglog"), "binomial", "cloglog", x),
  predictions_of("poisson", count ~ x + (1 | g), poisson(), "poisson", "log", x),
  predictions_of("poisson_sqrt", root ~ x + (1 | g), poisson("sqrt"), "poisson", "sqrt", x))
write(toJSON(list(residuals = residuals, inverse_gaussian = inverse_gaussian, shares = shares, predictions = predictions),
             auto_unbox = TRUE, digits = 12, null = "null"), "told.json")
