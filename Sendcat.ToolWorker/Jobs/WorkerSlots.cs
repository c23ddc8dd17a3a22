using Microsoft.Extensions.Options;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.ToolJobs.Lanes;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>
/// The job slots of this process, shared by all lanes (<c>BULKHEAD_TOOL_JOB_MAX</c>). <see cref="LaneSchedule"/> assigns free slots to
/// waiting lanes.
/// </summary>
internal sealed class WorkerSlots(IOptionsMonitor<BulkheadOptions> options)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ToolLane, Queue<TaskCompletionSource>> _waiting = [];
    private LaneSchedule _schedule = LaneSchedule.Start;
    private int _taken;

    /// <summary>Waits for a slot. The caller must release it with <see cref="Release"/>.</summary>
    public async Task AcquireAsync(ToolLane lane, CancellationToken cancellationToken)
    {
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (!_waiting.TryGetValue(lane, out var queue))
            {
                _waiting[lane] = queue = [];
            }

            queue.Enqueue(waiter);
            AssignFreeSlots();
        }

        try
        {
            await waiter.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The slot may have been assigned at the same moment.
            if (!waiter.TrySetCanceled(CancellationToken.None))
            {
                Release();
            }

            throw;
        }
    }

    /// <summary>Acquires another slot if one is free and no lane waits.</summary>
    public bool TryAcquire(ToolLane lane)
    {
        lock (_gate)
        {
            if (_taken >= options.CurrentValue.ToolJobMax || _waiting.Values.Any(queue => queue.Count > 0))
            {
                return false;
            }

            (_, _schedule) = _schedule.Next([lane]);
            _taken++;
            return true;
        }
    }

    public void Release(int slots = 1)
    {
        lock (_gate)
        {
            _taken -= slots;
            AssignFreeSlots();
        }
    }

    private void AssignFreeSlots()
    {
        while (_taken < options.CurrentValue.ToolJobMax
            && _waiting.Where(lane => lane.Value.Count > 0).Select(lane => lane.Key).ToArray() is { Length: > 0 } lanes)
        {
            var (lane, then) = _schedule.Next(lanes);
            if (_waiting[lane].Dequeue().TrySetResult())
            {
                _schedule = then;
                _taken++;
            }
        }
    }
}
