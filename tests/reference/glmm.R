# Generalized models by glmmTMB: Laplace's approximation by automatic differentiation, standard errors from the joint Hessian.
# Run in this directory: Rscript glmm.R
# It writes data/generalized.csv (from a fixed seed; the committed table is read back, so that R and Python see the same
# decimals) and glmm.json. Debian 12: R 4.2.2, r-cran-glmmtmb 1.1.5, r-cran-lme4, r-cran-mlmrev, r-cran-jsonlite.
suppressMessages({library(glmmTMB); library(jsonlite)})
num <- function(x) unname(as.numeric(x))
refs <- list()

# g and h cross, k nests in g (2 to 3 in each); v is exposure, w a prior weight, size a number of trials
simulated <- function() {
  set.seed(20); n <- 480
  d <- data.frame(g = sample(1:40, n, TRUE), h = sample(1:12, n, TRUE), x = round(rnorm(n), 3), z = round(runif(n, -1, 1), 3))
  d$k <- sample(1:3, n, TRUE); d$v <- round(exp(runif(n, -1, 1)), 3); d$w <- sample(c(0.5, 1, 2), n, TRUE); d$size <- sample(1:9, n, TRUE)
  a <- 0.6 * rnorm(40); s <- 0.4 * rnorm(40) + 0.3 * a; b <- 0.4 * rnorm(12); nested <- 0.4 * rnorm(120)
  eta <- a[d$g] + s[d$g] * d$x + b[d$h] + nested[3 * (d$g - 1) + d$k]
  small <- 0.2 * (a[d$g] + b[d$h])
  d$won <- rbinom(n, d$size, plogis(-0.3 + 0.7 * d$x + eta)); d$use <- rbinom(n, 1, pnorm(0.2 + 0.5 * d$x + 0.7 * eta))
  d$seen <- rbinom(n, 1, 1 - exp(-exp(-0.4 + 0.4 * d$x + 0.6 * eta)))
  d$count <- rpois(n, d$v * exp(0.8 + 0.4 * d$x + 0.6 * eta)); d$sum <- rpois(n, 9 + 2 * d$z + 6 * small); d$root <- rpois(n, (2.5 + 0.4 * d$z + 2 * small)^2)
  d$nb <- rnbinom(n, size = 1.7, mu = d$v * exp(0.9 + 0.4 * d$x + 0.6 * eta))
  d$time <- signif(rgamma(n, 2.5, 2.5 / exp(1 + 0.3 * d$x + 0.6 * eta)), 5); d$rate <- signif(rgamma(n, 4, 4 * (1.2 + 0.2 * d$z + small)), 5)
  d$level <- signif(rgamma(n, 8, 8 / (9 + 2 * d$z + 6 * small)), 5)
  d$length <- pmax(round(exp(1 + 0.3 * d$x + 0.4 * eta) + 0.7 * rnorm(n), 4), 0.05)
  m <- plogis(0.3 + 0.5 * d$x + 0.6 * eta); d$share <- pmin(pmax(round(rbeta(n, 6 * m, 6 * (1 - m)), 5), 1e-4), 1 - 1e-4)
  d
}
if (!file.exists("data/generalized.csv")) write.csv(simulated(), "data/generalized.csv", row.names = FALSE, quote = FALSE)
d <- read.csv("data/generalized.csv"); for (f in c("g", "h", "k")) d[[f]] <- factor(d[[f]])

put <- function(id, formula, family, link = NULL, weights = NULL, data = "generalized", frame = d) {
  constructor <- get(family)
  fam <- if (is.null(link)) constructor() else eval(bquote(constructor(link = .(link))))
  call <- list(quote(glmmTMB), as.formula(formula), data = quote(frame), family = fam,
    control = quote(glmmTMBControl(optCtrl = list(iter.max = 1e4, eval.max = 1e4, rel.tol = 1e-13))))
  if (!is.null(weights)) call$weights <- as.name(weights)
  environment(call[[2]]) <- environment()
  m <- suppressWarnings(suppressMessages(eval(as.call(call))))
  # nlminb stops early: Newton's steps from where it did, and the model anew from there
  par <- m$fit$par
  for (i in 1:4) par <- par - solve(optimHess(par, m$obj$fn, m$obj$gr), num(m$obj$gr(par)))
  parts <- split(num(par), factor(names(par), levels = c("beta", "betad", "theta")))
  call$start <- Filter(length, parts); call$control <- quote(glmmTMBControl(optCtrl = list(iter.max = 0, eval.max = 1)))
  again <- suppressWarnings(suppressMessages(eval(as.call(call))))
  if (again$fit$objective <= m$fit$objective + 1e-9) m <- again else cat(id, "not polished\n")
  co <- summary(m)$coefficients$cond; v <- VarCorr(m)$cond
  refs[[id]] <<- list(id = id, data = data, formula = formula, family = family, link = fam$link, weights = weights, nobs = nobs(m),
    npar = attr(logLik(m), "df"), logLik = num(-m$fit$objective), sigma = sigma(m), gradient = max(abs(m$obj$gr(m$fit$par))),
    names = rownames(co), estimate = num(co[, 1]), se = num(co[, 2]),
    sd = lapply(v, function(x) list(names = rownames(x), sd = num(attr(x, "stddev")), cor = num(attr(x, "correlation")[lower.tri(x)]))),
    fitted_head = num(fitted(m))[1:8])
  cat(id, refs[[id]]$logLik, refs[[id]]$gradient, "\n")
}

put("logit", "cbind(won, size - won) ~ x + z + (1 | g)", "binomial")
put("logit_slope", "cbind(won, size - won) ~ x + (x | g)", "binomial")
put("logit_crossed", "cbind(won, size - won) ~ x + (x | g) + (1 | h)", "binomial")
put("logit_nested", "cbind(won, size - won) ~ x + (1 | g/k)", "binomial")
put("logit_double_bar", "cbind(won, size - won) ~ x + z + (x + z || g)", "binomial")
put("logit_no_intercept", "cbind(won, size - won) ~ 0 + x + (0 + x | g) + (1 | h)", "binomial")
put("probit", "use ~ x + z + (1 | g)", "binomial", "probit")
put("probit_crossed", "cbind(won, size - won) ~ x + (1 | g) + (1 | h)", "binomial", "probit")
put("cloglog", "seen ~ x + (1 | g)", "binomial", "cloglog")
put("cloglog_slope", "cbind(won, size - won) ~ x + (x | g)", "binomial", "cloglog")
put("poisson", "count ~ x + (x | g)", "poisson")
put("poisson_offset", "count ~ x + offset(log(v)) + (x | g) + (1 | h)", "poisson")
put("poisson_weights", "count ~ x + offset(log(v)) + (1 | g)", "poisson", weights = "w")
put("poisson_nested", "count ~ x + offset(log(v)) + (1 | g/k)", "poisson")
put("poisson_double_bar", "count ~ x + z + offset(log(v)) + (x || g) + (1 | h)", "poisson")
put("poisson_identity", "sum ~ z + (1 | g)", "poisson", "identity")
put("poisson_sqrt", "root ~ z + (1 | g) + (1 | h)", "poisson", "sqrt")
put("nb", "nb ~ x + offset(log(v)) + (1 | g)", "nbinom2")
put("nb_slope", "nb ~ x + offset(log(v)) + (x | g) + (1 | h)", "nbinom2")
put("nb_weights", "nb ~ x + (1 | g)", "nbinom2", weights = "w")
put("nb_identity", "sum ~ z + (1 | g)", "nbinom2", "identity")
put("nb_sqrt", "count ~ z + (1 | g)", "nbinom2", "sqrt")
put("gamma_log", "time ~ x + (x | g)", "Gamma", "log")
put("gamma_log_crossed", "time ~ x + (1 | g) + (1 | h)", "Gamma", "log", weights = "w")
put("gamma_inverse", "rate ~ z + (1 | g)", "Gamma", "inverse")
put("gamma_identity", "level ~ z + (1 | g) + (1 | h)", "Gamma", "identity")
put("gaussian_log", "length ~ x + (1 | g)", "gaussian", "log")
put("gaussian_log_crossed", "length ~ x + (x | g) + (1 | h)", "gaussian", "log", weights = "w")
put("beta", "share ~ x + (1 | g)", "beta_family")
put("beta_slope", "share ~ x + (x | g) + (1 | h)", "beta_family", weights = "w")
put("beta_probit", "share ~ x + (1 | g/k)", "beta_family", "probit")
put("beta_cloglog", "share ~ x + (1 | g)", "beta_family", "cloglog")

data(cbpp, package = "lme4"); data(grouseticks, package = "lme4"); data(VerbAgg, package = "lme4"); data(Contraception, package = "mlmRev")
grouseticks$cHEIGHT <- grouseticks$HEIGHT - mean(grouseticks$HEIGHT); Contraception$livch <- factor(Contraception$livch)
put("cbpp_agq1", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "binomial", data = "cbpp", frame = cbpp)
put("contraception", "use ~ age + I(age^2) + urban + livch + (1 | district)", "binomial", data = "contraception", frame = Contraception)
put("contraception_slope", "use ~ age + I(age^2) + urban + livch + (urban | district)", "binomial", data = "contraception", frame = Contraception)
put("grouseticks", "TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)", "poisson", data = "grouseticks", frame = grouseticks)
put("verbagg", "r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)", "binomial", data = "verbagg", frame = VerbAgg)
put("grouseticks_nb", "TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | LOCATION)", "nbinom2", data = "grouseticks", frame = grouseticks)
writeLines(toJSON(refs, digits = 12, auto_unbox = TRUE, null = "null", na = "null"), "glmm.json")
