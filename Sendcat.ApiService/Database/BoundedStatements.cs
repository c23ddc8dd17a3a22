using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Database;

/// <summary>
/// Puts every statement with its rows, every commit, rollback and connection attempt of <see cref="SendcatDb"/> under a deadline of
/// <see cref="PostgresOptions.StatementTimeoutMs"/>, or of the context's own command timeout. A statement that a client no longer waits for
/// ends at its deadline at the latest; see <see cref="StatementDeadline"/> for why it is not cancelled. While an outage is known,
/// connections are refused at once (<see cref="RequestOutage"/>).
/// </summary>
internal sealed class BoundedStatements(RequestDatabase requests, IOptionsMonitor<PostgresOptions> options, TimeProvider time)
    : DbCommandInterceptor, IDbConnectionInterceptor, IDbTransactionInterceptor
{
    /// <summary>
    /// The deadlines of open readers and of rollbacks by connection. A connection has at most one at a time; it ends before the connection
    /// returns to its pool.
    /// </summary>
    private readonly ConditionalWeakTable<DbConnection, StatementDeadline> _running = new();

    /// <summary>Bounds the statements and transactions of a context with these options.</summary>
    public void Bound(DbContextOptionsBuilder options) =>
        options.AddInterceptors(this).ReplaceService<IRelationalTransactionFactory, BoundedTransactions>();

    public async ValueTask<InterceptionResult> ConnectionOpeningAsync(
        DbConnection connection, ConnectionEventData eventData, InterceptionResult result, CancellationToken cancellationToken = default)
    {
        var timeout = TimeoutOf(eventData.Context);
        await requests.Outage.OpenAsync(
            timeout,
            async remaining =>
            {
                await StatementDeadline.OpenAsync((NpgsqlConnection)connection, remaining, time, cancellationToken);
                return connection;
            });
        return InterceptionResult.Suppress();
    }

    public override async ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result,
        CancellationToken cancellationToken = default) =>
        InterceptionResult<DbDataReader>.SuppressWithResult(
            await BoundAsync(
                command.Connection, eventData.Context, () => command.ExecuteReaderAsync(CancellationToken.None), cancellationToken,
                Deadline.OfRows));

    /// <exception cref="NpgsqlException">
    /// The deadline passed after the last row, and the connection is broken. Without the exception, the next statement of a transaction
    /// would open another connection and run outside of the transaction.
    /// </exception>
    public override InterceptionResult DataReaderDisposing(
        DbCommand command, DataReaderDisposingEventData eventData, InterceptionResult result) =>
        EndsInTime(command.Connection!) ? result : throw StatementDeadline.NoResponse(TimeoutOf(eventData.Context));

    public ValueTask<InterceptionResult> ConnectionClosingAsync(
        DbConnection connection, ConnectionEventData eventData, InterceptionResult result)
    {
        EndsInTime(connection);
        return new(result);
    }

    public InterceptionResult ConnectionClosing(DbConnection connection, ConnectionEventData eventData, InterceptionResult result)
    {
        EndsInTime(connection);
        return result;
    }

    public override async ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default) =>
        InterceptionResult<int>.SuppressWithResult(
            await BoundAsync(
                command.Connection, eventData.Context, () => command.ExecuteNonQueryAsync(CancellationToken.None), cancellationToken));

    public override async ValueTask<InterceptionResult<object>> ScalarExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<object> result, CancellationToken cancellationToken = default) =>
        InterceptionResult<object>.SuppressWithResult(
            (await BoundAsync(
                command.Connection, eventData.Context, () => command.ExecuteScalarAsync(CancellationToken.None), cancellationToken))!);

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
            Deadline.OfCommit);
        return InterceptionResult.Suppress();
    }

    /// <summary>
    /// Runs statements of a transaction that EF Core does not report to interceptors, under one deadline. It ends with them, or before when
    /// they close the connection.
    /// </summary>
    public async Task BoundAsync(DbConnection connection, DbContext? context, Func<Task> execute)
    {
        var timeout = TimeoutOf(context);
        var deadline = StatementDeadline.Start((NpgsqlConnection)connection, timeout, time);
        KeepUntilClosing(connection, deadline);
        try
        {
            await execute();
        }
        catch (Exception failure) when (deadline.Passed)
        {
            throw StatementDeadline.NoResponse(timeout, failure);
        }
        finally
        {
            EndsInTime(connection);
        }
    }

    private async Task<TResult> BoundAsync<TResult>(
        DbConnection? connection, DbContext? context, Func<Task<TResult>> execute, CancellationToken cancellationToken,
        Deadline kind = Deadline.OfStatement)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var timeout = TimeoutOf(context);
        var deadline = StatementDeadline.Start((NpgsqlConnection)connection!, timeout, time);
        TResult result;
        try
        {
            result = await execute();
        }
        catch (Exception failure)
        {
            deadline.Dispose();
            if (deadline.Passed)
            {
                throw StatementDeadline.NoResponse(timeout, failure);
            }

            if (PostgresFailure.IsResponse(failure))
            {
                requests.Outage.Ends();
            }

            throw;
        }

        if (kind is Deadline.OfRows)
        {
            KeepUntilClosing(connection!, deadline);
            requests.Outage.Ends();
            return result;
        }

        deadline.Dispose();
        if (!deadline.Passed)
        {
            requests.Outage.Ends();
        }
        else if (kind is Deadline.OfStatement)
        {
            // The deadline passed just after the response: a transaction cannot go on.
            throw StatementDeadline.NoResponse(timeout);
        }

        return result;
    }

    private void KeepUntilClosing(DbConnection connection, StatementDeadline deadline)
    {
        // A reader whose end failed is still here.
        EndsInTime(connection);
        _running.Add(connection, deadline);
    }

    /// <summary>Ends the deadline that runs for the connection.</summary>
    /// <returns>False: it has passed, and the connection is broken.</returns>
    private bool EndsInTime(DbConnection connection)
    {
        if (!_running.Remove(connection, out var deadline))
        {
            return true;
        }

        deadline.Dispose();
        return !deadline.Passed;
    }

    private TimeSpan TimeoutOf(DbContext? context) =>
        context?.Database.GetCommandTimeout() is { } seconds
            ? TimeSpan.FromSeconds(seconds)
            : TimeSpan.FromMilliseconds(options.CurrentValue.StatementTimeoutMs);

    /// <summary>When the deadline of a statement ends.</summary>
    private enum Deadline
    {
        /// <summary>With the response.</summary>
        OfStatement,

        /// <summary>With the response, after which the transaction is over.</summary>
        OfCommit,

        /// <summary>With the reader of its rows.</summary>
        OfRows,
    }
}
