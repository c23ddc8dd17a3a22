namespace Sendcat.ApiService.Tools;

/// <summary>
/// Counts the calls of each tool in one turn and enforces the limits. It is thread-safe, because the calls of one step run concurrently.
/// </summary>
internal sealed class TurnToolBudget(ToolBox tools)
{
    private readonly Dictionary<string, int> _used = new(StringComparer.Ordinal);

    /// <summary>True after a call was refused: from then on the model must answer without tools.</summary>
    public bool Exhausted
    {
        get
        {
            lock (_used)
            {
                return field;
            }
        }
        private set;
    }

    /// <summary>Counts a call of the model.</summary>
    /// <returns>False: the limit of the tool is reached; the budget becomes <see cref="Exhausted"/>.</returns>
    public bool TryTake(string tool)
    {
        lock (_used)
        {
            var isAllowed = TryCount(tool);
            Exhausted |= !isAllowed;
            return isAllowed;
        }
    }

    /// <summary>Counts a call of another tool that a running tool can do without. It never sets <see cref="Exhausted"/>.</summary>
    /// <returns>False: the limit of the tool is reached.</returns>
    public bool TryTakeOptional(string tool)
    {
        lock (_used)
        {
            return TryCount(tool);
        }
    }

    private bool TryCount(string tool)
    {
        var calls = _used.GetValueOrDefault(tool);
        if (calls >= tools.PerTurn(tool))
        {
            return false;
        }

        _used[tool] = calls + 1;
        return true;
    }
}
