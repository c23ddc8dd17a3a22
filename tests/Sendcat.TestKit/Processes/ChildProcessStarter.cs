using System.Collections.Concurrent;
using System.Diagnostics;

namespace Sendcat.TestKit.Processes;

/// <summary>
/// Starts all child processes on one thread. The kernel sends the parent-death signal when the <em>thread</em> that forked ends, not when
/// its process ends. A child that is started on a thread-pool thread would be killed when the pool shrinks.
/// </summary>
internal static class ChildProcessStarter
{
    /// <summary>
    /// A .NET host watches its working directory and all folders below it for changes of its settings. In the temporary folder of a machine
    /// these are the data of all stores: each of their files that changes would cost every host processor time.
    /// </summary>
    private static readonly Lazy<string> EmptyFolder = new(
        () => Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "sendcat-test-empty")).FullName);

    private static readonly BlockingCollection<Action> Starts = [];

    private static readonly Lazy<string?> Setpriv = new(() => Executable.Find("setpriv"));

    static ChildProcessStarter() =>
        new Thread(() =>
        {
            foreach (var start in Starts.GetConsumingEnumerable())
            {
                start();
            }
        })
        { IsBackground = true, Name = "child process starter" }.Start();

    public static Task<Process> StartAsync(ProcessSpec spec)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Starts.Add(() =>
        {
            try
            {
                started.SetResult(Process.Start(StartInfo(spec)) ?? throw new InvalidOperationException($"{spec.FileName} did not start."));
            }
#pragma warning disable CA1031 // The caller gets every exception; the thread must continue.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                started.SetException(failure);
            }
        });
        return started.Task;
    }

    private static ProcessStartInfo StartInfo(ProcessSpec spec)
    {
        var info = new ProcessStartInfo
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        info.WorkingDirectory = spec.WorkingDirectory ?? EmptyFolder.Value;
        foreach (var (name, value) in spec.Environment)
        {
            info.Environment[name] = value;
        }

        foreach (var argument in CommandLine(spec))
        {
            info.ArgumentList.Add(argument);
        }

        info.FileName = info.ArgumentList[0];
        info.ArgumentList.RemoveAt(0);
        return info;
    }

    /// <summary>
    /// The command line, with setpriv where it is installed. setpriv is part of util-linux. Without it, a child continues to run after the
    /// test host is killed; everything else works.
    /// </summary>
    private static IEnumerable<string> CommandLine(ProcessSpec spec)
    {
        if (Setpriv.Value is { } setpriv)
        {
            yield return setpriv;
            yield return "--pdeathsig=KILL";
            if (spec.UserWhenRoot is { } user && Environment.IsPrivilegedProcess)
            {
                yield return $"--reuid={user}";
                yield return $"--regid={user}";
                yield return "--init-groups";
            }

            yield return "--";
        }

        yield return spec.FileName;
        foreach (var argument in spec.Arguments)
        {
            yield return argument;
        }
    }
}
