using System.Collections.Concurrent;
using Npgsql;
using NpgsqlTypes;
using Sendcat.ApiService.Mail;
using Sendcat.Integrations.Mail;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Outages;
using Sendcat.Reliability.Timing;

namespace Sendcat.ApiService.Identity.AccountChanges;

/// <summary>
/// Deletes the content of accounts whose access has ended, part by part, and then the users. Every replica runs it: a deletion is taken for
/// <see cref="Lease"/>, so that another replica continues it when the process dies.
/// </summary>
internal sealed class AccountDeletions(
    NpgsqlDataSource database, IEnumerable<AccountContent> contents, IServiceScopeFactory scopes, TimeProvider time, StoreOutages outages,
    ILogger<AccountDeletions> logger)
    : BackgroundService
{
    private const string Work = "Deletion of accounts";

    /// <summary>The time of one statement. It is longer than that of requests, and includes waits for locks.</summary>
    public static readonly TimeSpan StatementTimeout = TimeSpan.FromSeconds(25);

    /// <summary>The time between two looks for deletions that a replica has left.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <summary>The time for which a replica takes a deletion. Every statement renews it, and none takes as long.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    /// <summary>The time after which other deletions get their turn.</summary>
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(5);

    /// <summary>Attempts of one statement. Without success the deletion waits for the end of its lease.</summary>
    private const int MaxAttempts = 5;

    private const string Take = """
        -- take account deletion
        UPDATE account_deletions SET taken_until = clock_timestamp() + $1 WHERE user_id = (
          SELECT user_id FROM account_deletions WHERE taken_until <= clock_timestamp() ORDER BY taken_until LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING user_id, address
        """;

    private const string Release = """
        -- release account deletion
        UPDATE account_deletions SET taken_until = clock_timestamp() WHERE user_id = $1
        """;

    // Both settings last for the transaction of the batch.
    private const string LimitStatement = """
        -- limit statements of account deletion
        SELECT set_config('statement_timeout', $1, TRUE), set_config('lock_timeout', '0', TRUE)
        """;

    private const string Renew = """
        -- renew account deletion
        UPDATE account_deletions SET taken_until = clock_timestamp() + $2 WHERE user_id = $1
        """;

    // A replica that comes late, after the end of its lease, finds no user and sends no mail.
    private const string DeleteUser = """
        -- delete user
        WITH gone AS (
          DELETE FROM users WHERE id = @user RETURNING id
        )
        SELECT reliability.enter_job(@id, @tool, @class, @principal, @args, @attempts, @trace_parent, @trace_state) FROM gone
        """;

    private const string FindDeleted = """
        -- find deleted account
        SELECT EXISTS (SELECT FROM account_deletions WHERE user_id = $1) OR NOT EXISTS (SELECT FROM users WHERE id = $1)
        """;

    /// <summary>The time of <see cref="IsDeletedAsync"/>, in seconds.</summary>
    private const int LookupSeconds = 1;

    private readonly AutoResetSignal _signalled = new(time);
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _awaited = new(StringComparer.Ordinal);
    private readonly WorkOutage _outage = new(Work, outages.Postgres, logger, time);

    /// <summary>Call it before the commit of a deletion, to wait for its end on this replica.</summary>
    public AwaitedDeletion Await(string userId) => new(
        _awaited.GetOrAdd(userId, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task,
        () => _awaited.TryRemove(userId, out _));

    /// <summary>Call it after the commit of a deletion. Without it the deletion begins within <see cref="Interval"/>.</summary>
    public void Signal() => _signalled.Set();

    /// <summary>Whether the account was deleted, or is being deleted: why its sign-in has ended.</summary>
    /// <returns>False also while Postgres does not respond.</returns>
    public async Task<bool> IsDeletedAsync(string userId)
    {
        try
        {
            await using var command = database.CreateCommand(FindDeleted);
            command.CommandTimeout = LookupSeconds;
            command.Parameters.Add(new() { Value = userId });
            return await command.ExecuteScalarAsync(CancellationToken.None) is true;
        }
        catch (Exception failure) when (PostgresFailure.IsOrCancelled(failure))
        {
            return false;
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop(Work, logger, time).RepeatAsync(DeleteAllAsync, stoppingToken);

    private async Task DeleteAllAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await TakeAsync(cancellationToken) is var (userId, address))
            {
                await ContinueAsync(userId, address, cancellationToken);
                _outage.Ends();
            }
        }
        catch (Exception failure) when (PostgresFailure.IsOrCancelled(failure))
        {
            // A deletion that failed is repeated after its lease, the others go on.
            cancellationToken.ThrowIfCancellationRequested();
            if (_outage.Begins(failure))
            {
                logger.AccountsNotDeleted(failure.GetType().Name);
            }
        }

        await _signalled.WaitAsync(Interval, cancellationToken);
    }

    private async Task<(string UserId, string Address)?> TakeAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Take);
        command.Parameters.Add(new() { Value = Lease });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (reader.GetString(0), reader.GetString(1)) : null;
    }

    /// <summary>
    /// Deletes parts for the time of a <see cref="Slice"/>, and the user at the end. A statement that has begun is not cancelled.
    /// </summary>
    private async Task ContinueAsync(string userId, string address, CancellationToken stoppingToken)
    {
        var began = time.GetTimestamp();
        foreach (var content in contents)
        {
            // Not before something was deleted: the statements before may take long to find nothing.
            while (await ExecuteAsync(userId, () => new(content.Delete) { Parameters = { new("user", userId) } }) > 0)
            {
                if (stoppingToken.IsCancellationRequested || time.GetElapsedTime(began) > Slice)
                {
                    await ReleaseAsync(userId);
                    return;
                }
            }
        }

        await DeleteUserAsync(userId, address);
    }

    private async Task DeleteUserAsync(string userId, string address)
    {
        await using var scope = scopes.CreateAsyncScope();
        var mails = scope.ServiceProvider.GetRequiredService<OutgoingMails>();
        var mail = mails.JobOf(mails.DeliveryOf(MailKind.AccountDeleted, address, userId: null));
        await ExecuteAsync(userId, () =>
        {
            var command = new NpgsqlBatchCommand(DeleteUser) { Parameters = { new("user", userId) } };
            command.Parameters.AddRange(mail.Parameters.ToArray());
            return command;
        });
        mails.Signal();
        logger.AccountDeleted(userId);
        if (_awaited.TryGetValue(userId, out var awaited))
        {
            awaited.TrySetResult();
        }
    }

    private async Task ReleaseAsync(string userId)
    {
        await using var release = database.CreateCommand(Release);
        release.Parameters.Add(new() { Value = userId });
        await release.ExecuteNonQueryAsync(CancellationToken.None);
    }

    /// <summary>Executes a statement in a transaction, again when another transaction has locked the same rows in another order.</summary>
    /// <returns>The number of changed rows; -1 for a SELECT.</returns>
    private async Task<int> ExecuteAsync(string userId, Func<NpgsqlBatchCommand> statement)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var connection = await database.OpenConnectionAsync();
                await using var batch = connection.CreateBatch();
                batch.BatchCommands.Add(new NpgsqlBatchCommand(LimitStatement)
                {
                    Parameters = { new() { Value = $"{StatementTimeout.TotalMilliseconds:0}", NpgsqlDbType = NpgsqlDbType.Text } },
                });
                batch.BatchCommands.Add(new NpgsqlBatchCommand(Renew)
                {
                    Parameters = { new() { Value = userId }, new() { Value = Lease } },
                });
                batch.BatchCommands.Add(statement());
                await batch.ExecuteNonQueryAsync(CancellationToken.None);
                return batch.BatchCommands[^1].RecordsAffected;
            }
            catch (Exception failure) when (PostgresFailure.IsLockConflict(failure) && attempt < MaxAttempts)
            {
            }
        }
    }
}

/// <summary>The end of a deletion that a request waits for.</summary>
internal sealed class AwaitedDeletion(Task ended, Action remove) : IDisposable
{
    public Task Ended => ended;

    public void Dispose() => remove();
}
