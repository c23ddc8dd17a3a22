using Microsoft.Extensions.Options;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.ToolJobs;

namespace Sendcat.ToolWorker.Jobs;

/// <summary>The jobs that this process runs at once, all lanes together (<c>BULKHEAD_TOOL_JOB_MAX</c>). Lanes that wait for a place take weighted turns.</summary>
internal sealed class WorkerSlots(IOptionsMonitor<BulkheadOptions> options)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ToolLane, Queue<TaskCompletionSource>> _waiting = [];
    private LaneSchedule _turns = LaneSchedule.Start;
    private int _taken;

    /// <summary>Waits for a place; give it back with <see cref="Release"/>.</summary>
    public async Task TakeAsync(ToolLane lane, CancellationToken cancellationToken)
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (!_waiting.TryGetValue(lane, out var queue))
            {
                _waiting[lane] = queue = [];
            }

            queue.Enqueue(turn);
            AssignFreeSlots();
        }

        try
        {
            await turn.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The place may have come at the same moment.
            if (!turn.TrySetCanceled(CancellationToken.None))
            {
                Release();
            }

            throw;
        }
    }

    /// <summary>A further place, if one is free and nobody waits.</summary>
    public bool TryTake(ToolLane lane)
    {
        lock (_gate)
        {
            if (_taken >= options.CurrentValue.ToolJobMax || _waiting.Values.Any(queue => queue.Count > 0))
            {
                return false;
            }

            (_, _turns) = _turns.Next([lane]);
            _taken++;
            return true;
        }
    }

    public void Release(int places = 1)
    {
        lock (_gate)
        {
            _taken -= places;
            AssignFreeSlots();
        }
    }

    private void AssignFreeSlots()
    {
        while (_taken < options.CurrentValue.ToolJobMax && _waiting.Where(lane => lane.Value.Count > 0).Select(lane => lane.Key).ToArray() is { Length: > 0 } lanes)
        {
            var (lane, then) = _turns.Next(lanes);
            if (_waiting[lane].Dequeue().TrySetResult())
            {
                _turns = then;
                _taken++;
            }
        }
    }
}
