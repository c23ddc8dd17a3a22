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
    int Acknowledged, int Redeliveries, int UnrecognizedReplays, IReadOnlyList<string> Lost, IReadOnlyList<string> Repeated, IReadOnlyList<string> Incomplete,
    int Unanswered, long Interrupted)
{
    public static async Task<MessageEffects> ReadAsync(SimulatedMeta meta, NpgsqlDataSource database, Uri graph, CancellationToken cancellationToken)
    {
        var evidence = await CountsAsync("SELECT message_id, count(*) FROM evidence WHERE source = 'whatsapp' GROUP BY 1");
        var drafts = await CountsAsync("SELECT unnest(order_numbers), count(*) FROM purchase_drafts GROUP BY 1");
        var replies = await RepliesAsync(graph, cancellationToken);
        var (lost, repeated, unanswered) = (new List<string>(), new List<string>(), 0);
        foreach (var message in meta.Acknowledged)
        {
            var found = $"{message.Id}: {Of(evidence, message.Id)} evidence, {Of(drafts, message.Order)} drafts, {Of(replies, message.Id)} replies";
            if (Of(evidence, message.Id) == 0 || Of(drafts, message.Order) == 0)
            {
                lost.Add(found);
            }

            if (Of(evidence, message.Id) > 1 || Of(drafts, message.Order) > 1 || Of(replies, message.Id) > 1)
            {
                repeated.Add(found);
            }

            unanswered += Of(replies, message.Id) == 0 ? 1 : 0;
        }

        return new(
            meta.Acknowledged.Count, meta.Redeliveries, meta.UnrecognizedReplays, lost, repeated,
            await TextsAsync("SELECT id || ' ' || status || ' ' || coalesce(last_error, '') FROM reliability.tool_jobs WHERE tool = 'messages' AND status <> 'completed'"),
            unanswered,
            await ScalarAsync(
                "SELECT count(*) FROM (SELECT FROM rig.claims c JOIN reliability.tool_jobs j ON j.id = c.job AND j.tool = 'messages' GROUP BY c.job HAVING count(*) > 1) AS twice"));

        async Task<Dictionary<string, long>> CountsAsync(string sql)
        {
            await using var command = database.CreateCommand(sql);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var counts = new Dictionary<string, long>(StringComparer.Ordinal);
            while (await reader.ReadAsync(cancellationToken))
            {
                counts[reader.GetString(0)] = reader.GetInt64(1);
            }

            return counts;
        }

        async Task<List<string>> TextsAsync(string sql)
        {
            await using var command = database.CreateCommand(sql);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var texts = new List<string>();
            while (await reader.ReadAsync(cancellationToken))
            {
                texts.Add(reader.GetString(0));
            }

            return texts;
        }

        async Task<long> ScalarAsync(string sql)
        {
            await using var command = database.CreateCommand(sql);
            return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
        }
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
