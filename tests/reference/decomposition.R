# Decompositions of variance: the formulas of Rights & Sterba (2019), Psychol. Methods 24, as R's r2mlm
# (not in Debian's archive) has them, written out for lme4's fits with R's var().
# Run in this directory: Rscript decomposition.R   (writes decomposition.json; R 4.2.2, lme4 1.1-31)
suppressMessages({library(lme4); library(Matrix); library(jsonlite)})
d <- read.csv("data/shares.csv", stringsAsFactors = TRUE)
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5), calc.derivs = FALSE)
quad <- function(b, S) if (length(b)) as.numeric(t(b) %*% S %*% b) else 0
blocks <- function(own) { # terms of one grouping as one matrix
  T <- as.matrix(bdiag(lapply(own, as.matrix))); dimnames(T) <- rep(list(unlist(lapply(own, colnames))), 2); T
}
refs <- list()
# within, between: names of the columns of X of either level; none where a predictor is of both
put <- function(id, formula, within = NULL, between = NULL, REML = TRUE, weights = NULL) {
  call <- bquote(lmer(.(as.formula(formula)), data = d, REML = .(REML), control = control))
  if (!is.null(weights)) call$weights <- as.name(weights)
  m <- eval(call)
  X <- getME(m, "X"); b <- fixef(m); T <- blocks(VarCorr(m)); s2 <- sigma(m)^2
  Z <- X[, colnames(T), drop = FALSE]
  v <- sum(diag(T %*% var(Z))); z <- colMeans(Z); mm <- quad(z, T)
  own <- list(id = id, formula = formula, REML = REML, weights = weights, v = v, m = mm, residual = s2)
  if (length(c(within, between))) {
    own$f1 <- quad(b[within], var(X[, within, drop = FALSE]))
    own$f2 <- quad(b[between], var(X[, between, drop = FALSE]))
    W <- own$f1 + v + s2; B <- own$f2 + mm; all <- W + B
    own$r2 <- list(total = c(own$f1, own$f2, v, mm, own$f1 + own$f2, own$f1 + own$f2 + v, own$f1 + own$f2 + v + mm) / all,
                   within = c(own$f1, NA, v, NA, NA, own$f1 + v, NA) / W, between = c(NA, own$f2, NA, mm, NA, NA, NA) / B)
  } else {
    f <- quad(b, var(X)); all <- f + v + mm + s2
    own$r2 <- list(total = c(NA, NA, v, mm, f, f + v, f + v + mm) / all, within = rep(NA, 7), between = rep(NA, 7))
  }
  refs[[id]] <<- own
}
put("slope", "y ~ xw + xb + (xw | g)", "xw", "xb")
put("two_slopes", "y ~ xw + zw + xb + (xw + zw | g)", c("xw", "zw"), "xb")
put("uncorrelated", "y ~ xw + zw + xb + (xw + zw || g)", c("xw", "zw"), "xb")
put("cross_level", "y ~ xw * xb + (xw | g)", c("xw", "xw:xb"), "xb")
put("intercepts", "y ~ xw + xb + (1 | g)", "xw", "xb", REML = FALSE)
put("between_alone", "y ~ xb + (1 | g)", character(), "xb")
put("weights", "y ~ xw + xb + (xw | g)", "xw", "xb", weights = "w")
put("mixed", "y ~ x + xb + (x | g)")
put("factor", "y ~ kind + xw + (xw | g)")
write(toJSON(unname(refs), auto_unbox = TRUE, digits = NA, null = "null", na = "null", pretty = TRUE), "decomposition.json")
