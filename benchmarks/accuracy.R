# lme4 on a list of tables: Rscript accuracy.R FOLDER
# FOLDER/models.json: [{file, formula, reml, theta}]; prints a JSON list, with lme4's own criterion at the given theta. Each fit is restarted by bobyqa with a tight tolerance
# from where the default optimiser stopped, and the lower one counts.
suppressMessages({library(lme4); library(jsonlite)})
folder <- commandArgs(TRUE)[1]
models <- fromJSON(file.path(folder, "models.json"), simplifyDataFrame = FALSE)
crit <- function(m) if (isREML(m)) REMLcrit(m) else deviance(m)
quiet <- function(x) suppressMessages(suppressWarnings(x))
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e5), calc.derivs = FALSE)
text <- function(x) sprintf("%.17g", unname(as.numeric(x)))
out <- lapply(models, function(model) {
  d <- read.csv(file.path(folder, model$file), stringsAsFactors = TRUE)
  formula <- as.formula(model$formula)
  m <- tryCatch(quiet(lmer(formula, d, REML = model$reml)), error = function(e) conditionMessage(e))
  if (is.character(m)) return(list(error = m))
  default <- crit(m)
  again <- tryCatch(quiet(lmer(formula, d, REML = model$reml, start = getME(m, "theta"), control = tight)),
    error = function(e) NULL)
  if (!is.null(again) && crit(again) <= crit(m)) m <- again
  v <- as.data.frame(VarCorr(m))
  given <- unlist(model$theta)
  criterion <- quiet(lmer(formula, d, REML = model$reml, devFunOnly = TRUE))
  at_given <- if (length(given) == length(getME(m, "theta"))) criterion(given) else NA
  list(criterion = text(crit(m)), default = text(default), theta = text(getME(m, "theta")), singular = isSingular(m),
    at_given = text(at_given), variances = text(v$vcov))
})
cat(toJSON(out, auto_unbox = TRUE), "\n")
