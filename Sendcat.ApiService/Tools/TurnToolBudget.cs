namespace Sendcat.ApiService.Tools;

/// <summary>How often each tool may still be called in this turn. Calls of one step run at once, so it is asked from several threads.</summary>
internal sealed class TurnToolBudget(ToolBox tools)
{
    private readonly Dictionary<string, int> used = new(StringComparer.Ordinal);

    /// <summary>True once a call was refused: the model must answer with what it has.</summary>
    public bool Spent
    {
        get
        {
            lock (used)
            {
                return field;
            }
        }
        private set;
    }

    /// <summary>For a call of the model.</summary>
    public bool TryTake(string tool)
    {
        lock (used)
        {
            var may = TryCount(tool);
            Spent |= !may;
            return may;
        }
    }

    /// <summary>For a tool that wants to use another one as well, and can do without.</summary>
    public bool TryShare(string tool)
    {
        lock (used)
        {
            return TryCount(tool);
        }
    }

    private bool TryCount(string tool)
    {
        var calls = used.GetValueOrDefault(tool);
        if (calls >= tools.PerTurn(tool))
        {
            return false;
        }

        used[tool] = calls + 1;
        return true;
    }
}
