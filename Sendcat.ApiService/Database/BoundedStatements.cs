using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Database;

/// <summary>
/// Puts every statement, commit and connection attempt of <see cref="SendcatDb"/> under a deadline of
/// <see cref="PostgresOptions.StatementTimeoutMs"/>, or of the context's own command timeout. A statement that a client no longer waits for
/// ends at its deadline at the latest; see <see cref="StatementDeadline"/> for why it is not cancelled. While an outage is known, connections
/// are refused at once (<see cref="RequestOutage"/>).
/// </summary>
internal sealed class BoundedStatements(RequestDatabase requests, IOptionsMonitor<PostgresOptions> options, TimeProvider time)
    : DbCommandInterceptor, IDbConnectionInterceptor, IDbTransactionInterceptor
{
    public async ValueTask<InterceptionResult> ConnectionOpeningAsync(
        DbConnection connection, ConnectionEventData eventData, InterceptionResult result, CancellationToken cancellationToken = default)
    {
        var timeout = TimeoutOf(eventData.Context);
        await requests.Outage.OpenAsync(
            timeout,
            async () =>
            {
                await StatementDeadline.OpenAsync((NpgsqlConnection)connection, timeout, time, cancellationToken);
                return connection;
            });
        return InterceptionResult.Suppress();
    }

    public override async ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default) =>
        InterceptionResult<DbDataReader>.SuppressWithResult(
            await BoundAsync(command.Connection, eventData.Context, () => command.ExecuteReaderAsync(CancellationToken.None), cancellationToken));

    public override async ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default) =>
        InterceptionResult<int>.SuppressWithResult(
            await BoundAsync(command.Connection, eventData.Context, () => command.ExecuteNonQueryAsync(CancellationToken.None), cancellationToken));

    public override async ValueTask<InterceptionResult<object>> ScalarExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<object> result, CancellationToken cancellationToken = default) =>
        InterceptionResult<object>.SuppressWithResult(
            (await BoundAsync(command.Connection, eventData.Context, () => command.ExecuteScalarAsync(CancellationToken.None), cancellationToken))!);

    public async ValueTask<InterceptionResult> TransactionCommittingAsync(
        DbTransaction transaction, TransactionEventData eventData, InterceptionResult result, CancellationToken cancellationToken = default)
    {
        await BoundAsync(
            transaction.Connection,
            eventData.Context,
            async () =>
            {
                await transaction.CommitAsync(CancellationToken.None);
                return true;
            },
            cancellationToken,
            isCommit: true);
        return InterceptionResult.Suppress();
    }

    private async Task<TResult> BoundAsync<TResult>(
        DbConnection? connection, DbContext? context, Func<Task<TResult>> execute, CancellationToken cancellationToken,
        bool isCommit = false)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var timeout = TimeoutOf(context);
        using var deadline = StatementDeadline.Start((NpgsqlConnection)connection!, timeout, time);
        TResult result;
        try
        {
            result = await execute();
        }
        catch (Exception failure) when (deadline.Passed)
        {
            throw StatementDeadline.NoResponse(timeout, failure);
        }

        deadline.Dispose();
        if (!deadline.Passed)
        {
            requests.Outage.Ends();
        }
        else if (!isCommit)
        {
            // The deadline passed just after the response: the rows of a reader cannot be read, and a transaction cannot go on.
            throw StatementDeadline.NoResponse(timeout);
        }

        return result;
    }

    private TimeSpan TimeoutOf(DbContext? context) =>
        context?.Database.GetCommandTimeout() is { } seconds ? TimeSpan.FromSeconds(seconds) : TimeSpan.FromMilliseconds(options.CurrentValue.StatementTimeoutMs);
}
