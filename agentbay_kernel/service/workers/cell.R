# Runs the cells that come on one descriptor, in one R for the whole session; what becomes of each
# goes to the other as fields between unit separators, ended by a record separator.
local({
  numbers <- commandArgs(trailingOnly = TRUE)
  requests <- file(paste0("/dev/fd/", numbers[1]), "rb", raw = TRUE)
  verdicts <- file(paste0("/dev/fd/", numbers[2]), "wb", raw = TRUE)
  tell <- function(...) {
    fields <- vapply(list(...), function(x) gsub("[\x1e\x1f]", " ", enc2utf8(x)), "")
    writeBin(c(charToRaw(paste(fields, collapse = "\x1f")), as.raw(0x1e)), verdicts)
    flush(verdicts)
  }
  show_value <- function(value) if (isS4(value)) methods::show(value) else print(value)
  library_folder <- Sys.getenv("R_LIBS_USER")
  if (nzchar(library_folder)) {
    dir.create(library_folder, recursive = TRUE, showWarnings = FALSE)
    .libPaths(c(library_folder, .libPaths()))
  }
  plots <- tempfile("plots")
  dir.create(plots)
  options(device = function(...) {
    grDevices::png(file.path(plots, "%03d.png"), width = 960, height = 640, res = 120, type = "cairo")
  })
  send_plots <- function() {
    grDevices::graphics.off()
    for (path in sort(list.files(plots, full.names = TRUE))) tell("plot", path)
  }
  evaluate <- function(code) {
    expressions <- parse(text = code, keep.source = TRUE)
    for (number in seq_along(expressions)) {
      found <- withVisible(eval(expressions[number], globalenv()))
      if (!found$visible) next
      if (number < length(expressions)) {
        show_value(found$value)
      } else {
        text <- utils::capture.output(show_value(found$value))
        if (length(text)) tell("value", paste(text, collapse = "\n"))
      }
    }
  }
  failed <- function(condition, calls) {
    call <- conditionCall(condition)
    where <- if (is.null(call)) "" else paste0(" in ", paste(deparse(call)[1], collapse = ""))
    inside <- vapply(calls, function(each) deparse(each)[1], "")
    message <- conditionMessage(condition)
    tell("error", "Error", message, paste(c(paste0("Error", where, ": ", message), inside), collapse = "\n"))
  }
  run <- function(code) {
    calls <- list()
    withCallingHandlers(
      tryCatch(evaluate(code),
        error = function(e) failed(e, calls),
        interrupt = function(e) tell("error", "KeyboardInterrupt", "", "KeyboardInterrupt")
      ),
      error = function(e) {
        all <- sys.calls()
        here <- vapply(all, function(each) identical(each[[1]], quote(eval)), NA)
        first <- if (any(here)) max(which(here)[seq_len(min(2, sum(here)))]) else length(all)
        calls <<- utils::head(all[-seq_len(first)], -2)
      },
      warning = function(w) {
        base::message("Warning message:\n", conditionMessage(w))
        invokeRestart("muffleWarning")
      }
    )
    send_plots()
  }
  repeat {
    size <- readBin(requests, "integer", 1, endian = "big")
    if (!length(size)) break
    code <- rawToChar(readBin(requests, "raw", size))
    Encoding(code) <- "UTF-8"
    # A Stop that comes between two cells must not end the process.
    tryCatch(run(code), interrupt = function(e) NULL)
    flush(stdout())
    tell("done")
  }
})
