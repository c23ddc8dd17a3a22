using System.Globalization;

namespace Sendcat.LocalRunner.Running;

/// <summary>
/// The words put before a command so that its process cannot outlive the runner, not even one ended by kill -9.
/// Each process leads a session of its own: Ctrl-C in the terminal reaches only the runner, which then stops them in order.
/// </summary>
internal static class ProcessGuard
{
    /// <summary>Ends the process at once if the runner was gone before its death signal was set.</summary>
    private const string StillMine = """[ "$PPID" = "$0" ] || exit 1; exec "$@" """;

    /// <summary>Without setpriv: standard input is a pipe that only the runner holds open; its end is the runner's end.</summary>
    private const string PipeWatch = """
        exec 3<&0 </dev/null
        asked= child=
        trap 'asked=yes; [ -z "$child" ] || kill -TERM $child' TERM
        "$@" 3<&- & child=$!
        [ -z "$asked" ] || kill -TERM $child
        { cat <&3 >/dev/null; kill -KILL $child; } 2>/dev/null & watch=$!
        while :; do wait $child; code=$?; kill -0 $child 2>/dev/null || break; done
        kill $watch 2>/dev/null
        exit $code
        """;

    private static readonly bool HasDeathSignal = OperatingSystem.IsLinux() && OnPath("setpriv") && OnPath("setsid");

    public static IReadOnlyList<string> Before(string command, IEnumerable<string> arguments, bool? deathSignal = null) => deathSignal ?? HasDeathSignal
        ? ["setsid", "setpriv", "--pdeathsig", "KILL", "--", "/bin/sh", "-c", StillMine, Environment.ProcessId.ToString(CultureInfo.InvariantCulture), command, .. arguments]
        : ["/bin/sh", "-c", PipeWatch, "guard", command, .. arguments];

    private static bool OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Any(folder => File.Exists(Path.Combine(folder, program)));
}
