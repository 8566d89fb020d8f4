# lme4's glmer, or glmmTMB, on one frame: Rscript glmer.R FOLDER REPETITIONS BUDGET glmer|glmmTMB
# FOLDER holds columns.json and raw columns; prints one JSON document. Times are taken here, not around Rscript.
suppressMessages(library(jsonlite))
arguments <- commandArgs(TRUE)
folder <- arguments[1]; repetitions <- as.integer(arguments[2]); budget <- as.numeric(arguments[3]); tool <- arguments[4]
suppressMessages(if (tool == "glmer") library(lme4) else library(glmmTMB))
told <- fromJSON(file.path(folder, "columns.json"), simplifyDataFrame = FALSE)
column <- function(c) {
  path <- file.path(folder, c$file)
  values <- if (c$kind == "f") readBin(path, "double", told$n_rows) else readBin(path, "integer", told$n_rows)
  if (is.null(c$levels)) return(values)
  attributes(values) <- list(levels = unlist(c$levels), class = "factor"); values
}
d <- as.data.frame(setNames(lapply(told$columns, column), sapply(told$columns, `[[`, "name")))
peak_mb <- function() {
  if (!file.exists("/proc/self/status")) return(NA)
  line <- grep("^VmHWM", readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}
clock <- function() as.numeric(proc.time()[["elapsed"]])
formula <- as.formula(told$formula); family <- get(told$family)()
loaded <- peak_mb()
total <- numeric(0)
begun <- clock()
once <- function(times) {  # a short fit is timed by the dozen: R's clock ticks in milliseconds
  t0 <- clock()
  for (i in seq_len(times)) m <- suppressMessages(suppressWarnings(
    if (tool == "glmer") glmer(formula, d, family, nAGQ = told$n_agq) else glmmTMB(formula, d, family)))
  for (i in seq_len(times)) s <- coef(summary(m))
  total <<- c(total, (clock() - t0) / times)
  m
}
last <- once(1); first <- total[1]
if (repetitions > 1 && clock() - begun < budget / 2) {
  total <- numeric(0)
  times <- if (first < 0.5) 5 else 1
  while (length(total) < repetitions && (clock() - begun < budget || length(total) < 1)) last <- once(times)
}
# by quadrature lme4 leaves the saturated model's likelihood out
y <- model.response(model.frame(last))
left_out <- if (told$n_agq > 1 && is.matrix(y)) -2 * sum(dbinom(y[, 1], rowSums(y), y[, 1] / rowSums(y), log = TRUE)) else 0
libraries <- sessionInfo()
cat(toJSON(list(total = total, first = first, criterion = sprintf("%.17g", -2 * as.numeric(logLik(last)) + left_out),
  peak_mb = peak_mb(), loaded_mb = loaded, version = paste("R", getRversion(), if (tool == "glmer") "lme4" else "glmmTMB",
  packageVersion(if (tool == "glmer") "lme4" else "glmmTMB")), blas = basename(libraries$BLAS)), auto_unbox = FALSE, digits = NA), "\n")
