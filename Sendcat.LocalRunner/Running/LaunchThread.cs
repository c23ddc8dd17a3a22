using System.Collections.Concurrent;

namespace Sendcat.LocalRunner.Running;

/// <summary>
/// The one thread that starts processes. A parent-death signal fires when the <em>thread</em> that forked ends, and threads of the pool come and go;
/// this one lives as long as the process.
/// </summary>
internal static class LaunchThread
{
    private static readonly BlockingCollection<Action> Work = [];

    static LaunchThread() => new Thread(Serve) { IsBackground = true, Name = "process launcher" }.Start();

    public static Task<T> RunAsync<T>(Func<T> start)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Work.Add(() =>
        {
            try
            {
                result.SetResult(start());
            }
            catch (Exception e) when (e is System.ComponentModel.Win32Exception or IOException or InvalidOperationException)
            {
                result.SetException(e);
            }
        });
        return result.Task;
    }

    private static void Serve()
    {
        foreach (var start in Work.GetConsumingEnumerable())
        {
            start();
        }
    }
}
