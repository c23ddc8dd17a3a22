namespace Sendcat.ApiService.Tools;

/// <summary>How often each tool may still be called in this turn.</summary>
internal sealed class TurnToolBudget(ToolBox tools)
{
    private readonly Dictionary<string, int> used = new(StringComparer.Ordinal);

    /// <summary>True once a call was refused: the model must answer with what it has.</summary>
    public bool Spent { get; private set; }

    public bool TryTake(string tool)
    {
        var calls = used.GetValueOrDefault(tool);
        if (calls >= tools.PerTurn(tool))
        {
            Spent = true;
            return false;
        }

        used[tool] = calls + 1;
        return true;
    }
}
