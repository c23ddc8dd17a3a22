using Npgsql;
using Sendcat.KillRig.Chatting;
using Sendcat.KillRig.Rig;

namespace Sendcat.KillRig.Freezing;

/// <summary>What is stored after all freezes.</summary>
/// <param name="Turns">Accepted turns.</param>
/// <param name="Lost">Accepted turns of which the question, or a part of the streamed text, is not stored; with the reason.</param>
/// <param name="Left">Messages and sessions that are still <c>streaming</c>, and leases.</param>
/// <param name="Jobs">Accepted tool jobs.</param>
/// <param name="Open">Jobs that have not ended.</param>
/// <param name="EndedTwice">Jobs with more than one end.</param>
/// <param name="RanTwice">Jobs that were claimed more than once. Each has one end.</param>
internal sealed record FreezeAudit(int Turns, IReadOnlyList<string> Lost, long Left, long Jobs, long Open, long EndedTwice, long RanTwice)
{
    public bool Passes => Lost.Count == 0 && Left == 0 && Open == 0 && EndedTwice == 0;

    public static async Task<FreezeAudit> CreateAsync(
        RigProcesses processes, IReadOnlyCollection<AcceptedTurn> accepted, TimeSpan timeout, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var left = await TurnLeftovers.WaitUntilNoneAsync(timeout, processes.Database, processes.Redis, time, cancellationToken);
        var began = time.GetTimestamp();
        while (await Audit.RemainingAsync(processes.Database, cancellationToken) is { Jobs: > 0 } && time.GetElapsedTime(began) < timeout)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), time, cancellationToken);
        }

        return new(
            accepted.Count,
            await LostAsync(processes.Database, accepted, cancellationToken),
            left.Messages + left.Sessions + left.Leases,
            await CountAsync("SELECT count(*) FROM reliability.tool_jobs"),
            await CountAsync("SELECT count(*) FROM reliability.tool_jobs WHERE status IN ('queued', 'running')"),
            await CountAsync("SELECT count(*) FROM (SELECT FROM rig.ends GROUP BY job HAVING count(*) > 1) AS twice"),
            await CountAsync("SELECT count(*) FROM (SELECT FROM rig.claims GROUP BY job HAVING count(*) > 1) AS twice"));

        async Task<long> CountAsync(string sql)
        {
            await using var command = processes.Database.CreateCommand(sql);
            return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
        }
    }

    private static async Task<List<string>> LostAsync(
        NpgsqlDataSource database, IReadOnlyCollection<AcceptedTurn> accepted, CancellationToken cancellationToken)
    {
        var questions = new Dictionary<string, int>(StringComparer.Ordinal);
        var answers = new Dictionary<Guid, (string Status, string Content)>();
        await using var command = database.CreateCommand("SELECT id, role, coalesce(status, 'completed'), content FROM messages");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.GetString(1) == "user")
            {
                questions[reader.GetString(3)] = questions.GetValueOrDefault(reader.GetString(3)) + 1;
            }
            else
            {
                answers[reader.GetGuid(0)] = (reader.GetString(2), reader.GetString(3));
            }
        }

        var lost = new List<string>();
        foreach (var turn in accepted)
        {
            if (questions.GetValueOrDefault(turn.Question) != 1)
            {
                lost.Add($"{turn.End}: the question is stored {questions.GetValueOrDefault(turn.Question)} times: {turn.Question}");
            }

            foreach (var (id, text) in turn.Answers)
            {
                if (!answers.TryGetValue(id, out var stored))
                {
                    lost.Add($"{turn.End}: answer {id} is not stored");
                }
                else if (!stored.Content.StartsWith(text, StringComparison.Ordinal) || (turn.End == "done" && stored.Status != "completed"))
                {
                    lost.Add($"{turn.End}: answer {id} is {stored.Status} with {stored.Content.Length} of {text.Length} characters");
                }
            }
        }

        return lost;
    }
}
