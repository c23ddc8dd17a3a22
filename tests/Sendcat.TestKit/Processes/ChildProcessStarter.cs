using System.Collections.Concurrent;
using System.Diagnostics;

namespace Sendcat.TestKit.Processes;

/// <summary>
/// The one thread that starts children. The kernel's parent-death signal fires when the <em>thread</em> that forked ends, not the process; a child
/// started from the thread pool would be killed when the pool shrinks.
/// </summary>
internal static class Nursery
{
    private static readonly BlockingCollection<Action> Births = [];

    private static readonly Lazy<string?> Setpriv = new(() => Executable.Find("setpriv"));

    static Nursery() =>
        new Thread(() =>
        {
            foreach (var birth in Births.GetConsumingEnumerable())
            {
                birth();
            }
        })
        { IsBackground = true, Name = "nursery of child processes" }.Start();

    public static Task<Process> StartAsync(ProcessSpec spec)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Births.Add(() =>
        {
            try
            {
                started.SetResult(Process.Start(StartInfo(spec)) ?? throw new InvalidOperationException($"{spec.FileName} did not start."));
            }
#pragma warning disable CA1031 // Whatever it is belongs to the caller; the thread must live on.
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
        var info = new ProcessStartInfo { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        info.WorkingDirectory = spec.WorkingDirectory ?? Path.GetTempPath();
        foreach (var (name, value) in spec.Environment)
        {
            info.Environment[name] = value;
        }

        foreach (var word in Guarded(spec))
        {
            info.ArgumentList.Add(word);
        }

        info.FileName = info.ArgumentList[0];
        info.ArgumentList.RemoveAt(0);
        return info;
    }

    /// <summary>Without setpriv (it is part of util-linux) a child outlives a test host that is killed; everything else works.</summary>
    private static IEnumerable<string> Guarded(ProcessSpec spec)
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
