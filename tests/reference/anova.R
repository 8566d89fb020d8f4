# Tests of terms and Kenward-Roger's figures, for tests/results/test_anova.py.
# Run in this directory: Rscript anova.R     (writes anova.json and data/factors.csv; Debian 12: R 4.2.2, lme4 1.1-31,
# lmerTest 3.1-3, pbkrtest 0.5.2, car 3.1-1, glmmTMB 1.1.5)
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest); library(car); library(glmmTMB); library(jsonlite)})
num <- function(x) unname(as.numeric(x))
crit <- function(m) if (isREML(m)) REMLcrit(m) else deviance(m)
refs <- list(); generalized <- list()

# An unbalanced table: persons (id) nested in sites, items crossed with them, factors of 3 and 2 levels, two numbers.
set.seed(20240611)
n <- 330
factors <- data.frame(site = sample(sprintf("s%02d", 1:9), n, TRUE, prob = (3:11) / 63))
factors$id <- paste0(factors$site, sprintf("p%d", 1 + floor(4 * runif(n)^1.3)))
factors$item <- sample(sprintf("i%02d", 1:12), n, TRUE)
factors$f <- sample(c("low", "middle", "top"), n, TRUE, prob = c(5, 3, 2))
factors$g <- ifelse(runif(n) < ifelse(factors$f == "top", 0.3, 0.6), "no", "yes")
factors$h <- sample(c("a", "b", "c", "d"), n, TRUE)
factors$x <- round(rnorm(n, 2 + (factors$f == "top"), 1.5), 4)
factors$z <- round(rnorm(n), 4)
factors$w <- round(runif(n, 0.4, 3), 3)
factors$known <- round(runif(n), 3)
own <- function(by, sd) { levels <- unique(by); setNames(rnorm(length(levels), 0, sd), levels)[by] }
factors$y <- with(factors, round(3 + 0.4 * (f == "middle") - 0.5 * (g == "yes") + 0.3 * x + 0.4 * x * (f == "top") - 0.2 * z +
  own(site, 0.7) + own(id, 0.6) + own(item, 0.8) + x * own(site, 0.35) + x * own(id, 0.25) + x * own(item, 0.2) + rnorm(n, 0, 1 / sqrt(w)), 5))
factors$yes <- as.integer(runif(n) < plogis(with(factors, -0.6 + 0.7 * (f == "top") + 0.3 * x - 0.4 * (g == "yes") + own(site, 0.8))))
factors$hole <- ifelse(factors$f == "top" & factors$h == "d", "a", factors$h)   # no cell (top, d)
write.csv(factors, "data/factors.csv", row.names = FALSE, quote = FALSE)
factors <- read.csv("data/factors.csv", stringsAsFactors = TRUE)
data(sleepstudy, package = "lme4"); data(cake, package = "lme4"); data(Penicillin, package = "lme4"); data(Pastes, package = "lme4")
cake$recipe <- factor(cake$recipe)
sleepstudy$week <- factor(ifelse(sleepstudy$Days < 4, "early", ifelse(sleepstudy$Days < 7, "middle", "late")), levels = c("early", "middle", "late"))
crossed <- read.csv("crossed.csv", stringsAsFactors = TRUE)

table_of <- function(m, type, ddf = "Satterthwaite") {
  a <- suppressWarnings(suppressMessages(anova(m, type = type, ddf = ddf)))
  list(term = rownames(a), sum_sq = num(a[["Sum Sq"]]), mean_sq = num(a[["Mean Sq"]]), num_df = num(a[["NumDF"]]), den_df = num(a[["DenDF"]]),
       statistic = num(a[["F value"]]), p_value = num(a[["Pr(>F)"]]))
}

put <- function(id, formula, d, data, REML = TRUE, contrasts = NULL, weights = NULL, offset = NULL, ours = formula, kr = TRUE) {
  f <- as.formula(formula)
  args <- list(formula = f, data = d, REML = REML, contrasts = contrasts)
  if (!is.null(weights)) args$weights <- d[[weights]]
  if (!is.null(offset)) args$offset <- d[[offset]]
  m <- suppressWarnings(suppressMessages(do.call(lmerTest::lmer, args)))
  for (o in c("bobyqa", "Nelder_Mead")) {
    more <- args
    more$start <- getME(m, "theta")
    more$control <- lmerControl(optimizer = o, optCtrl = if (o == "bobyqa") list(rhoend = 1e-10, maxfun = 1e5) else
      list(FtolAbs = 1e-14, FtolRel = 1e-15, XtolRel = 1e-12, maxfun = 1e5), calc.derivs = FALSE)
    again <- tryCatch(suppressWarnings(suppressMessages(do.call(lmerTest::lmer, more))), error = function(e) NULL)
    if (!is.null(again) && crit(again) <= crit(m)) m <- again
  }
  s <- coef(summary(m))
  entry <- list(id = id, formula = ours, data = data, REML = REML, weights = weights, offset = offset, criterion = crit(m), singular = isSingular(m),
    names = rownames(s), estimate = num(s[, "Estimate"]), se = num(s[, "Std. Error"]), df = num(s[, "df"]),
    I = table_of(m, "I"), II = table_of(m, "II"), III = table_of(m, "III"))
  if (kr && is.null(weights)) {   # pbkrtest leaves weights out of the variances
    r <- if (REML) m else suppressWarnings(suppressMessages(update(m, REML = TRUE)))
    adjusted <- vcovAdj(r)
    unit <- diag(length(fixef(r)))
    entry$kenward_roger <- list(se = num(sqrt(diag(as.matrix(adjusted)))), df = sapply(seq_len(nrow(unit)), function(k) get_Lb_ddf(r, unit[k, ])))
    if (REML) for (type in c("I", "II", "III")) entry[[paste0("kr_", type)]] <- table_of(m, type, "Kenward-Roger")
    k <- length(fixef(r))
    if (k >= 3) {   # all but the first coefficient, and a test of other values than zero
      L <- unit[-1, ]
      t <- KRmodcomp(r, L)$stats
      entry$joint <- list(num_df = t$ndf, den_df = t$ddf, statistic = t$Fstat, p_value = t$p.value, scaling = t$F.scaling)
      c0 <- lmerTest::contestMD(m, L, rhs = rep(0.1, k - 1))
      entry$other_values <- list(num_df = c0$NumDF, den_df = c0$DenDF, statistic = c0[["F value"]], p_value = c0[["Pr(>F)"]])
    }
  }
  refs[[id]] <<- entry
  cat(id, crit(m), isSingular(m), "\n")
}

sums <- list(f = "contr.sum", g = "contr.sum")
put("sleepstudy", "Reaction ~ Days + (Days | Subject)", sleepstudy, "sleepstudy")
put("sleepstudy_ml", "Reaction ~ week + (1 | Subject)", sleepstudy, "sleepstudy", REML = FALSE)
put("sleepstudy_bars", "Reaction ~ week * Days + (Days || Subject)", sleepstudy, "sleepstudy")
put("sleepstudy_poly", "Reaction ~ poly(Days, 2) + (Days | Subject)", sleepstudy, "sleepstudy")
put("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", Penicillin, "penicillin")
put("pastes", "strength ~ 1 + (1 | batch/cask)", Pastes, "pastes")
put("cake", "angle ~ recipe * temp + (1 | recipe:replicate)", cake, "cake")
put("cake_sum", "angle ~ recipe * temp + (1 | recipe:replicate)", cake, "cake", contrasts = list(recipe = "contr.sum"), ours = "angle ~ C(recipe, contr.sum) * temp + (1 | recipe:replicate)")
put("crossed", "y ~ x * kind + (x | person) + (x | item)", crossed, "crossed")
put("crossed_bars", "y ~ x + z + (x + z || person) + (1 | item)", crossed, "crossed")
put("three_factors", "y ~ x + kind + (1 | person) + (1 | item)", crossed, "crossed")
put("nested", "y ~ f * g + x + (1 | site/id)", factors, "factors")
put("nested_slopes", "y ~ f * x + g + (x | site/id)", factors, "factors")
put("one_factor", "y ~ f * g * x + (x | site)", factors, "factors")
put("one_factor_sum", "y ~ f * g * x + (x | site)", factors, "factors", contrasts = sums, ours = "y ~ C(f, contr.sum) * C(g, contr.sum) * x + (x | site)")
put("four_levels", "y ~ f * h + z + (1 | site) + (1 | item)", factors, "factors")
put("three_groups", "y ~ f + x:g + (x | site) + (1 | id) + (1 | item)", factors, "factors")
put("hole", "y ~ f * hole + (1 | site)", factors, "factors")
put("interaction_only", "y ~ f:g + (1 | site)", factors, "factors")
put("no_intercept", "y ~ 0 + f + g + x + (1 | site)", factors, "factors")
put("two_slopes", "y ~ f + x * z + (x + z | site)", factors, "factors")
put("offset", "y ~ f * g + x + (1 | site/id)", factors, "factors", offset = "known")
put("weights", "y ~ f * g + x + (1 | site/id)", factors, "factors", weights = "w")
put("weights_slopes", "y ~ f * x + (x | site)", factors, "factors", weights = "w")
put("singular", "y ~ f * g + (1 | hole) + (1 | site)", factors, "factors")

wald <- function(id, formula, d, data, family, contrasts) {
  # by car from the polished glmmTMB fit
  m <- glmmTMB(as.formula(formula), d, family = family, contrasts = contrasts)
  for (k in 1:3) {
    o <- m$obj; x <- m$fit$par
    m$fit$par <- x - solve(optimHess(x, o$fn, o$gr), c(o$gr(x)))
  }
  o <- m$obj; x <- m$fit$par
  V <- solve(optimHess(x, o$fn, o$gr, control = list(ndeps = rep(1e-4, length(x)))))
  b <- x[names(x) == "beta"]; V <- V[names(x) == "beta", names(x) == "beta"]
  X <- getME(m, "X"); labels <- attr(terms(m), "term.labels")
  names(b) <- colnames(X); dimnames(V) <- list(colnames(X), colnames(X))
  test <- function(L) { e <- L %*% b; c(sum(e * solve(L %*% V %*% t(L), e)), nrow(L)) }
  entry <- list(id = id, formula = formula, data = data, family = family$family, names = colnames(X), estimate = num(b), se = num(sqrt(diag(V))))
  for (type in c("II", "III")) {
    a <- Anova(m, type = type, vcov. = V)
    a <- a[rownames(a) != "(Intercept)", ]
    entry[[type]] <- list(term = rownames(a), statistic = num(a$Chisq), df = num(a$Df), p_value = num(a[["Pr(>Chisq)"]]))
  }
  generalized[[id]] <<- entry
  cat(id, num(logLik(m)), max(abs(o$gr(x))), "\n")
}
wald("binary", "yes ~ f * g + x + (1 | site)", factors, "factors", binomial(), sums)
wald("binary_slopes", "yes ~ f * x + z + g + (1 | site)", factors, "factors", binomial(), sums)
writeLines(toJSON(list(linear = refs, generalized = generalized), digits = 12, auto_unbox = TRUE, null = "null", na = "null"), "anova.json")
