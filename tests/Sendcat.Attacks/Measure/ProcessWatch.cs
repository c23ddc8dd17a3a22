using Sendcat.Attacks.Attacks;
using Sendcat.TestKit.Processes;

namespace Sendcat.Attacks.Measure;

/// <summary>Measures the CPU time of a process and, four times a second, its memory.</summary>
internal sealed class ProcessWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource stop = new();
    private readonly int process;
    private readonly long before;
    private readonly double cpuBefore;
    private readonly long began = TimeProvider.System.GetTimestamp();
    private readonly Task watching;
    private long highest;

    public ProcessWatch(int process)
    {
        this.process = process;
        highest = before = ProcessCost.ResidentBytes(process);
        cpuBefore = ProcessCost.CpuSeconds(process);
        watching = WatchAsync();
    }

    public async Task<ProcessFigures> StopAsync()
    {
        await stop.CancelAsync();
        await watching;
        return Directory.Exists($"/proc/{process}")
            ? new(
                before, highest, ProcessCost.ResidentBytes(process), ProcessCost.CpuSeconds(process) - cpuBefore,
                TimeProvider.System.GetElapsedTime(began))
            : new(before, highest, 0, 0, TimeProvider.System.GetElapsedTime(began));
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await watching;
        stop.Dispose();
    }

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(stop.Token))
            {
                highest = Math.Max(highest, ProcessCost.ResidentBytes(process));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // The watch was stopped, or the process has ended. The runner checks the latter.
        }
    }
}
