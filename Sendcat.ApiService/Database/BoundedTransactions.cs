using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;

namespace Sendcat.ApiService.Database;

/// <summary>
/// Creates transactions whose end without a commit is under a deadline of <see cref="BoundedStatements"/>: EF Core reports a rollback that
/// comes from disposing a transaction to no interceptor.
/// </summary>
internal sealed class BoundedTransactions(
    RelationalTransactionFactoryDependencies dependencies) : RelationalTransactionFactory(dependencies)
{
    public override RelationalTransaction Create(
        IRelationalConnection connection, DbTransaction transaction, Guid transactionId,
        IDiagnosticsLogger<DbLoggerCategory.Database.Transaction> logger, bool transactionOwned)
    {
        var options = connection.Context.GetService<IDbContextOptions>().FindExtension<CoreOptionsExtension>()!;
        return new BoundedTransaction(
            options.Interceptors!.OfType<BoundedStatements>().Single(),
            connection, transaction, transactionId, logger, transactionOwned, Dependencies.SqlGenerationHelper);
    }

    private sealed class BoundedTransaction(
        BoundedStatements statements, IRelationalConnection connection, DbTransaction transaction, Guid transactionId,
        IDiagnosticsLogger<DbLoggerCategory.Database.Transaction> logger, bool transactionOwned, ISqlGenerationHelper sql)
        : RelationalTransaction(connection, transaction, transactionId, logger, transactionOwned, sql)
    {
        public override Task RollbackAsync(CancellationToken cancellationToken = default) =>
            BoundAsync(() => base.RollbackAsync(CancellationToken.None));

        public override Task RollbackToSavepointAsync(string name, CancellationToken cancellationToken = default) =>
            BoundAsync(() => base.RollbackToSavepointAsync(name, CancellationToken.None));

        public override Task ReleaseSavepointAsync(string name, CancellationToken cancellationToken = default) =>
            BoundAsync(() => base.ReleaseSavepointAsync(name, CancellationToken.None));

        public override ValueTask DisposeAsync() => new(BoundAsync(() => base.DisposeAsync().AsTask()));

        private Task BoundAsync(Func<Task> execute) => statements.BoundAsync(Connection.DbConnection, Connection.Context, execute);
    }
}
