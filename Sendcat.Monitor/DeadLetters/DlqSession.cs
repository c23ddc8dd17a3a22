using Sendcat.Monitor.Ops;

namespace Sendcat.Monitor.DeadLetters;

/// <summary>One question to the service, and its answer before the reader.</summary>
internal static class DlqSession
{
    private const string Letters = "api/ops/tool-jobs/dead-letters";

    public static async Task<int> GroupsAsync(OpsClient service, DlqReader reader, CancellationToken cancellationToken)
    {
        reader.Groups(await service.GetAsync($"{Letters}/groups", cancellationToken));
        return ExitCode.Pass;
    }

    public static async Task<int> ListAsync(OpsClient service, DlqReader reader, string query, bool details, CancellationToken cancellationToken)
    {
        reader.Letters(await service.GetAsync($"{Letters}?{query}", cancellationToken), details);
        return ExitCode.Pass;
    }

    /// <param name="verb"><c>requeue</c> or <c>discard</c></param>
    public static async Task<int> ChangeAsync(OpsClient service, DlqReader reader, string verb, object order, CancellationToken cancellationToken)
    {
        reader.Changed(verb, await service.PostAsync($"{Letters}/{verb}", order, cancellationToken));
        return ExitCode.Pass;
    }
}
