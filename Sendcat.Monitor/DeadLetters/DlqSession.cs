using Sendcat.Monitor.Ops;

namespace Sendcat.Monitor.DeadLetters;

/// <summary>Sends one request to the service and prints its response.</summary>
internal static class DlqSession
{
    private const string Path = "api/ops/tool-jobs/dead-letters";

    public static async Task<int> GroupsAsync(OpsClient service, DlqPrinter printer, CancellationToken cancellationToken)
    {
        printer.Groups(await service.GetAsync($"{Path}/groups", cancellationToken));
        return ExitCode.Pass;
    }

    public static async Task<int> ListAsync(OpsClient service, DlqPrinter printer, string query, bool details, CancellationToken cancellationToken)
    {
        printer.List(await service.GetAsync($"{Path}?{query}", cancellationToken), details);
        return ExitCode.Pass;
    }

    /// <param name="verb"><c>requeue</c> or <c>discard</c></param>
    public static async Task<int> ChangeAsync(OpsClient service, DlqPrinter printer, string verb, object body, string? reason,
        CancellationToken cancellationToken)
    {
        printer.Changed(verb, await service.PostAsync($"{Path}/{verb}", body, reason, cancellationToken));
        return ExitCode.Pass;
    }
}
