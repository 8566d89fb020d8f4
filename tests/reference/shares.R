# ICC and R2 of models with prior weights and offsets: what R's performance gives for lme4's fits.
# Run in this directory: Rscript shares.R    (writes shares.json; R 4.2.2, lme4 1.1-31, performance 0.10.2, insight 0.19.0)
# Weights and offsets are those of engine.R.
suppressMessages({library(lme4); library(performance); library(jsonlite)})
made <- function(d) { i <- seq_len(nrow(d)); d$w <- 0.5 + (i %% 5) / 2; d$o <- round(sin(i), 6); d }
data(sleepstudy, package = "lme4"); sleepstudy <- made(sleepstudy)
data(Pastes, package = "lme4"); pastes <- made(Pastes)
crossed <- made(read.csv("crossed.csv", stringsAsFactors = TRUE))
refs <- list()
put <- function(id, formula, data, d, REML = TRUE, weights = NULL, offset = NULL) {
  call <- list(quote(lme4::lmer), formula = as.formula(formula), data = quote(d), REML = REML,
               control = quote(lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5))))
  if (!is.null(weights)) call$weights <- as.name(weights)
  if (!is.null(offset)) call$offset <- as.name(offset)
  environment(call$formula) <- environment()
  m <- eval(as.call(call))
  i <- icc(m); r <- r2(m)
  own <- list(id = id, formula = formula, data = data, REML = REML, weights = weights, offset = offset,
              icc_adjusted = i$ICC_adjusted, icc_unadjusted = i$ICC_unadjusted,
              r2_marginal = unname(r$R2_marginal), r2_conditional = unname(r$R2_conditional))
  # performance calls its ICC by group inaccurate where there are random slopes
  if (all(lengths(ranef(m)) == 1) && length(ranef(m)) > 1) { g <- icc(m, by_group = TRUE); own$by_group <- setNames(as.list(g$ICC), g$Group) }
  refs[[id]] <<- own
}
put("weights", "Reaction ~ Days + (Days | Subject)", "sleepstudy", sleepstudy, weights = "w")
put("weights_ml", "Reaction ~ Days + (Days | Subject)", "sleepstudy", sleepstudy, REML = FALSE, weights = "w")
put("weights_intercepts", "strength ~ 1 + (1 | batch/cask)", "pastes", pastes, weights = "w")
put("offset", "y ~ x + (1 | person)", "crossed", crossed, offset = "o")
put("both", "y ~ x + kind + (x | person)", "crossed", crossed, weights = "w", offset = "o")
put("crossed", "y ~ x + (x | person) + (1 | item)", "crossed", crossed, weights = "w")
put("crossed_intercepts", "y ~ x + (1 | person) + (1 | item)", "crossed", crossed, weights = "w")
write(toJSON(unname(refs), auto_unbox = TRUE, digits = NA, null = "null", pretty = TRUE), "shares.json")
