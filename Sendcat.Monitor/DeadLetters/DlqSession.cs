using Sendcat.Monitor.Ops;

namespace Sendcat.Monitor.DeadLetters;

/// <summary>Sends one request to the service and prints its response.</summary>
internal static class DlqSession
{
    private const string Path = "api/ops/tool-jobs/dead-letters";
    private const string Changes = $"{Path}/changes";

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

    public static async Task<int> CountAsync(OpsClient service, DlqPrinter printer, string query, CancellationToken cancellationToken)
    {
        printer.Count(await service.GetAsync($"{Path}/count?{query}", cancellationToken));
        return ExitCode.Pass;
    }

    /// <summary>Starts a change of all dead letters that match.</summary>
    public static async Task<int> StartAsync(OpsClient service, DlqPrinter printer, object body, string? reason, CancellationToken cancellationToken)
    {
        printer.Started(await service.PostAsync(Changes, body, reason, cancellationToken));
        return ExitCode.Pass;
    }

    /// <param name="id">Null: all changes.</param>
    public static async Task<int> ChangesAsync(OpsClient service, DlqPrinter printer, string? id, CancellationToken cancellationToken)
    {
        printer.BulkChanges(await service.GetAsync(id is null ? Changes : $"{Changes}/{Uri.EscapeDataString(id)}", cancellationToken));
        return ExitCode.Pass;
    }

    public static async Task<int> CancelAsync(OpsClient service, DlqPrinter printer, string id, string? reason, CancellationToken cancellationToken)
    {
        printer.BulkChanges(await service.PostAsync($"{Changes}/{Uri.EscapeDataString(id)}/cancel", null, reason, cancellationToken));
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
