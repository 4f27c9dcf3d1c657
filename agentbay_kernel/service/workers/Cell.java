// Runs the cells that come on one descriptor, in one JShell for the whole session; what becomes of
// each goes to the other as fields between unit separators, ended by a record separator.
import java.io.*;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.stream.Collectors;
import jdk.jshell.*;
import jdk.jshell.execution.LocalExecutionControl;
import jdk.jshell.spi.*;

public class Cell {
  static OutputStream verdicts;
  static volatile boolean stopped;

  // Between two pieces of a cell, or while one compiles, JShell has nothing that it could stop.
  static class Control extends LocalExecutionControl {
    @Override
    protected String invoke(Method piece) throws Exception {
      if (stopped) throw new StoppedException();
      return super.invoke(piece);
    }
  }

  // The default engine would run the code in yet another virtual machine.
  static class Here implements ExecutionControlProvider {
    @Override
    public String name() {
      return "here";
    }

    @Override
    public ExecutionControl generate(ExecutionEnv environment, Map<String, String> parameters) {
      return new Control();
    }
  }

  static void tell(String... fields) throws IOException {
    System.out.flush();
    System.err.flush();
    String text = Arrays.stream(fields)
        .map(each -> each == null ? "" : each.replace('\u001e', ' ').replace('\u001f', ' '))
        .collect(Collectors.joining("\u001f"));
    verdicts.write((text + "\u001e").getBytes(StandardCharsets.UTF_8));
    verdicts.flush();
  }

  static boolean fail(String name, String message, String trace) throws IOException {
    tell("error", name, message, trace);
    return false;
  }

  static boolean good(JShell shell, SnippetEvent event, boolean last) throws IOException {
    Snippet snippet = event.snippet();
    if (event.exception() instanceof EvalException) {
      EvalException thrown = (EvalException) event.exception();
      if (stopped) return fail("KeyboardInterrupt", "", "KeyboardInterrupt");
      String name = thrown.getExceptionClassName();
      String simple = name.substring(name.lastIndexOf('.') + 1);
      String head = name + (thrown.getMessage() == null ? "" : ": " + thrown.getMessage());
      String trace = Arrays.stream(thrown.getStackTrace())
          .map(frame -> "    at " + frame).collect(Collectors.joining("\n"));
      return fail(simple, thrown.getMessage(), head + "\n" + trace);
    }
    if (event.exception() != null) {
      String message = event.exception().getMessage();
      return fail("UnresolvedReference", message, message + "\n" + snippet.source());
    }
    if (event.status() == Snippet.Status.REJECTED) {
      String message = shell.diagnostics(snippet)
          .map(each -> each.getMessage(Locale.ENGLISH)).collect(Collectors.joining("\n"));
      return fail("CompilationError", message, "CompilationError: " + message + "\n" + snippet.source());
    }
    boolean expression = snippet.kind() == Snippet.Kind.EXPRESSION
        || snippet.subKind() == Snippet.SubKind.TEMP_VAR_EXPRESSION_SUBKIND;
    if (last && expression && event.value() != null && !event.value().isEmpty()) {
      tell("value", event.value());
    }
    return true;
  }

  static void run(JShell shell, String code) throws IOException {
    String rest = code;
    while (!rest.isBlank()) {
      SourceCodeAnalysis.CompletionInfo info = shell.sourceCodeAnalysis().analyzeCompletion(rest);
      String piece = info.completeness().isComplete() ? info.source() : rest;
      rest = info.completeness().isComplete() ? info.remaining() : "";
      if (piece == null || piece.isBlank()) return;
      for (SnippetEvent event : shell.eval(piece)) {
        if (event.causeSnippet() != null) continue;
        if (!good(shell, event, rest.isBlank())) return;
      }
      if (stopped) {
        fail("KeyboardInterrupt", "", "KeyboardInterrupt");
        return;
      }
    }
  }

  public static void main(String[] words) throws IOException {
    DataInputStream requests = new DataInputStream(new FileInputStream("/dev/fd/" + words[0]));
    verdicts = new FileOutputStream("/dev/fd/" + words[1]);
    JShell shell = JShell.builder().executionEngine(new Here(), null).build();
    sun.misc.Signal.handle(new sun.misc.Signal("INT"), signal -> {
      stopped = true;
      shell.stop();
    });
    for (String name : List.of("io", "math", "net", "nio.file", "util", "util.concurrent",
        "util.function", "util.regex", "util.stream")) {
      shell.eval("import java." + name + ".*;");
    }
    while (true) {
      int size;
      try {
        size = requests.readInt();
      } catch (EOFException end) {
        return;
      }
      String code = new String(requests.readNBytes(size), StandardCharsets.UTF_8);
      stopped = false;
      run(shell, code);
      tell("done");
    }
  }
}
