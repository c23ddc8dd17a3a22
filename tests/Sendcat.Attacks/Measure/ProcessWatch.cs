using Sendcat.Attacks.Attacks;
using Sendcat.TestKit.Processes;

namespace Sendcat.Attacks.Measure;

/// <summary>Measures the CPU time of a process and, four times a second, its memory.</summary>
internal sealed class ProcessWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _stop = new();
    private readonly int _process;
    private readonly long _before;
    private readonly double _cpuBefore;
    private readonly long _began = TimeProvider.System.GetTimestamp();
    private readonly Task _watching;
    private long _highest;

    public ProcessWatch(int process)
    {
        _process = process;
        _highest = _before = ProcessCost.ResidentBytes(process);
        _cpuBefore = ProcessCost.CpuSeconds(process);
        _watching = WatchAsync();
    }

    public async Task<ProcessFigures> StopAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        return Directory.Exists($"/proc/{_process}")
            ? new(
                _before, _highest, ProcessCost.ResidentBytes(_process), ProcessCost.CpuSeconds(_process) - _cpuBefore,
                TimeProvider.System.GetElapsedTime(_began))
            : new(_before, _highest, 0, 0, TimeProvider.System.GetElapsedTime(_began));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                _highest = Math.Max(_highest, ProcessCost.ResidentBytes(_process));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // The watch was stopped, or the process has ended. The runner checks the latter.
        }
    }
}
