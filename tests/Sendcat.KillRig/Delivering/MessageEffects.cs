using System.Text.Json;
using Npgsql;

namespace Sendcat.KillRig.Delivering;

/// <summary>
/// What became of the acknowledged messages: rows in Postgres, and replies as the Graph API received them.
/// </summary>
/// <param name="Acknowledged">The acknowledged messages.</param>
/// <param name="Redeliveries">Deliveries of a message after the first.</param>
/// <param name="UnrecognizedReplays">Deliveries after an acknowledgement that were not answered as a replay.</param>
/// <param name="Lost">Messages without evidence or without their draft.</param>
/// <param name="Repeated">Messages with more than one evidence, draft or reply.</param>
/// <param name="Incomplete">Jobs that read a message or sent a reply and have not completed, with their last error.</param>
/// <param name="Unanswered">Messages without a reply. A reply whose attempt was interrupted is not sent again.</param>
/// <param name="Interrupted">Messages whose job was leased more than once: a fault interrupted a worker that read them.</param>
internal sealed record MessageEffects(
    int Acknowledged, int Redeliveries, int UnrecognizedReplays, IReadOnlyList<string> Lost, IReadOnlyList<string> Repeated,
    IReadOnlyList<string> Incomplete, int Unanswered, long Interrupted)
{
    public static async Task<MessageEffects> ReadAsync(
        RepeatedDeliveries<AcknowledgedMessage> messages, NpgsqlDataSource database, Uri graph, CancellationToken cancellationToken)
    {
        var rows = new RowCounts(database, cancellationToken);
        var (evidence, drafts) = (await rows.EvidenceAsync("whatsapp"), await rows.DraftsAsync());
        var replies = await RepliesAsync(graph, cancellationToken);
        var (lost, repeated, unanswered) = (new List<string>(), new List<string>(), 0);
        foreach (var message in messages.Acknowledged)
        {
            var (read, drafted, replied) = (Of(evidence, message.Id), Of(drafts, message.Order), Of(replies, message.Id));
            var found = $"{message.Id}: {read} evidence, {drafted} drafts, {replied} replies";
            if (read == 0 || drafted == 0)
            {
                lost.Add(found);
            }

            if (read > 1 || drafted > 1 || replied > 1)
            {
                repeated.Add(found);
            }

            unanswered += replied == 0 ? 1 : 0;
        }

        return new(
            messages.Acknowledged.Count, messages.Redeliveries, messages.UnrecognizedReplays, lost, repeated,
            await rows.IncompleteJobsAsync("messages"), unanswered, await rows.InterruptedJobsAsync("messages"));
    }

    private static long Of(Dictionary<string, long> counts, string key) => counts.GetValueOrDefault(key);

    private static async Task<Dictionary<string, long>> RepliesAsync(Uri graph, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = graph };
        using var sent = JsonDocument.Parse(await http.GetStringAsync("whatsapp/emulator/sent", cancellationToken));
        return sent.RootElement.GetProperty("items").EnumerateArray()
            .Select(message => message.GetProperty("replyTo").GetString())
            .OfType<string>()
            .CountBy(id => id, StringComparer.Ordinal)
            .ToDictionary(count => count.Key, count => (long)count.Value, StringComparer.Ordinal);
    }
}
