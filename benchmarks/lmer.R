# lme4 and lmerTest on one frame: Rscript lmer.R FOLDER REPETITIONS BUDGET
# FOLDER holds columns.json and raw columns; prints one JSON document. Times are taken here, not around Rscript.
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
arguments <- commandArgs(TRUE)
folder <- arguments[1]; repetitions <- as.integer(arguments[2]); budget <- as.numeric(arguments[3])
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
formula <- as.formula(told$formula)
loaded <- peak_mb()
fit <- total <- numeric(0)
begun <- clock()
once <- function(times) {  # a short fit is timed by the dozen: R's clock ticks in milliseconds
  t0 <- clock(); for (i in seq_len(times)) m <- suppressMessages(suppressWarnings(lme4::lmer(formula, d)))
  t1 <- clock(); for (i in seq_len(times)) s <- coef(summary(lmerTest::as_lmerModLmerTest(m), ddf = "Satterthwaite"))
  t2 <- clock(); fit <<- c(fit, (t1 - t0) / times); total <<- c(total, (t2 - t0) / times)
  list(m = m, s = s)
}
last <- once(1); first <- total[1]
if (repetitions > 1 && clock() - begun < budget / 2) {
  fit <- total <- numeric(0)
  times <- if (first < 0.5) 5 else 1
  while (length(total) < repetitions && (clock() - begun < budget || length(total) < 1)) last <- once(times)
}
libraries <- sessionInfo()
cat(toJSON(list(fit = fit, total = total, first = first, criterion = sprintf("%.17g", REMLcrit(last$m)), df = last$s[, "df"],
  messages = as.character(unlist(last$m@optinfo$conv$lme4$messages)), peak_mb = peak_mb(), loaded_mb = loaded,
  version = paste("R", getRversion(), "lme4", packageVersion("lme4"), "lmerTest", packageVersion("lmerTest")),
  blas = basename(libraries$BLAS)), auto_unbox = FALSE, digits = NA), "\n")
