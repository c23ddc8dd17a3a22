using Npgsql;

namespace Sendcat.ToolWorker.Deliveries;

/// <summary>Reads what became of the earlier attempts of a mail, from the history of its job.</summary>
internal sealed class EarlierAttempts(NpgsqlDataSource database)
{
    /// <summary>The failures that prove that Resend has sent nothing: it refused the mail, or there was no request.</summary>
    private const string Refusals = "^(resend: HTTP 4(?!08|25)[0-9][0-9]|RESEND_API_KEY )";

    /// <summary>Whether an attempt that started longer ago than this may have sent the mail: its outcome is unknown.</summary>
    /// <param name="job">The id of the mail and of its job.</param>
    /// <param name="age">Age of the attempt, by the clock of Postgres.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public async Task<bool> MayHaveSentAsync(Guid job, TimeSpan age, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            -- find earlier attempts of mail
            SELECT EXISTS (
                SELECT FROM reliability.tool_jobs j, jsonb_array_elements(j.history) attempt
                WHERE j.id = $1 AND (attempt ->> 'startedAt')::timestamptz <= statement_timestamp() - $2 AND attempt ->> 'error' !~ $3)
            """);
        command.Parameters.Add(new() { Value = job });
        command.Parameters.Add(new() { Value = age });
        command.Parameters.Add(new() { Value = Refusals });
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
