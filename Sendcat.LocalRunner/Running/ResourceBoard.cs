namespace Sendcat.LocalRunner.Running;

/// <summary>What every process is doing now. Whoever waits for something waits here, for a change, not for a time.</summary>
internal sealed class ResourceBoard
{
    private readonly Lock _changing = new();
    private readonly List<InstanceStatus> _rows = [];
    private TaskCompletionSource _changed = NewSignal();

    public IReadOnlyList<InstanceStatus> Rows
    {
        get
        {
            lock (_changing)
            {
                return [.. _rows];
            }
        }
    }

    public void Post(InstanceStatus status)
    {
        TaskCompletionSource changed;
        lock (_changing)
        {
            var row = _rows.FindIndex(row => row.Name == status.Name);
            if (row < 0)
            {
                _rows.Add(status);
            }
            else if (_rows[row] == status)
            {
                return;
            }
            else
            {
                _rows[row] = status;
            }

            changed = _changed;
            _changed = NewSignal();
        }

        changed.SetResult();
    }

    public async Task<IReadOnlyList<InstanceStatus>> WaitUntilAsync(Func<IReadOnlyList<InstanceStatus>, bool> fulfilled, CancellationToken cancellationToken)
    {
        while (true)
        {
            var changed = NextChange(out var rows);
            if (fulfilled(rows))
            {
                return rows;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>The rows as they are, and a task that ends with the first change after them.</summary>
    public Task NextChange(out IReadOnlyList<InstanceStatus> rows)
    {
        lock (_changing)
        {
            rows = [.. _rows];
            return _changed.Task;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
