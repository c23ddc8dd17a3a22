using Npgsql;
using NpgsqlTypes;

namespace Sendcat.ToolWorker.Taxonomy;

/// <summary>
/// Stores the categories in Postgres. One transaction replaces the tree, so readers see either the old tree or the new one.
/// </summary>
internal sealed class CategoryStore(NpgsqlDataSource database)
{
    /// <summary>Key of the advisory lock: "taxonomy" in ASCII. One worker at a time refreshes.</summary>
    private const long Lock = 0x7461786F6E6F6D79;

    private const string TryLock = """
        -- lock ebay categories
        SELECT pg_try_advisory_xact_lock($1)
        """;

    private const string IsFresh = """
        -- check ebay categories
        SELECT EXISTS (SELECT FROM reliability.ebay_taxonomy_meta WHERE marketplace_id = $1 AND fetched_at > statement_timestamp() - $2)
        """;

    /// <summary>
    /// Calls <paramref name="fetch"/> and stores its tree, unless the stored tree is younger than <paramref name="age"/> or another worker
    /// is refreshing.
    /// </summary>
    /// <returns>True: the tree is fresh now. False: nothing was fetched, or another worker is refreshing.</returns>
    public async Task<bool> RefreshAsync(
        string marketplace, TimeSpan age, Func<CancellationToken, Task<CategoryTree?>> fetch, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var locking = new NpgsqlCommand(TryLock, connection) { Parameters = { new() { Value = Lock } } })
        {
            if (await locking.ExecuteScalarAsync(cancellationToken) is not true)
            {
                return false;
            }
        }

        await using (var checking = new NpgsqlCommand(IsFresh, connection)
        {
            Parameters = { new() { Value = marketplace }, new() { Value = age } },
        })
        {
            if (await checking.ExecuteScalarAsync(cancellationToken) is true)
            {
                return true;
            }
        }

        if (await fetch(cancellationToken) is not { } tree)
        {
            return false;
        }

        await using (var writing = new NpgsqlBatch(connection, transaction)
        {
            BatchCommands = { Upsert(marketplace, tree), DeleteRemoved(marketplace, tree), Meta(marketplace, tree) },
        })
        {
            await writing.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private static NpgsqlBatchCommand Upsert(string marketplace, CategoryTree tree) => new(
        """
        -- write ebay categories
        INSERT INTO reliability.ebay_categories (marketplace_id, category_id, category_name, normalized_name, parent_id, path, leaf,
          fetched_at)
        SELECT $1, id, name, normalized, parent, path, leaf, statement_timestamp()
        FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[]) AS c(id, name, normalized, parent, path,
          leaf)
        ON CONFLICT (marketplace_id, category_id) DO UPDATE SET
            category_name = excluded.category_name, normalized_name = excluded.normalized_name, parent_id = excluded.parent_id,
            path = excluded.path, leaf = excluded.leaf,
            fetched_at = excluded.fetched_at
        """)
    {
        Parameters =
        {
            new() { Value = marketplace },
            new() { Value = tree.Categories.Select(category => category.Id).ToArray() },
            new() { Value = tree.Categories.Select(category => category.Name).ToArray() },
            new() { Value = tree.Categories.Select(category => category.NormalizedName).ToArray() },
            new()
            {
                Value = tree.Categories.Select(category => category.ParentId).ToArray(),
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
            },
            new() { Value = tree.Categories.Select(category => category.Path).ToArray() },
            new() { Value = tree.Categories.Select(category => category.Leaf).ToArray() },
        },
    };

    private static NpgsqlBatchCommand DeleteRemoved(string marketplace, CategoryTree tree) => new(
        """
        -- remove ebay categories
        DELETE FROM reliability.ebay_categories WHERE marketplace_id = $1 AND NOT category_id = ANY($2)
        """)
    {
        Parameters = { new() { Value = marketplace }, new() { Value = tree.Categories.Select(category => category.Id).ToArray() } },
    };

    private static NpgsqlBatchCommand Meta(string marketplace, CategoryTree tree) => new(
        """
        -- date ebay categories
        INSERT INTO reliability.ebay_taxonomy_meta (marketplace_id, root_category_id, tree_version, fetched_at)
          VALUES ($1, $2, $3, statement_timestamp())
        ON CONFLICT (marketplace_id) DO UPDATE
          SET root_category_id = excluded.root_category_id, tree_version = excluded.tree_version, fetched_at = excluded.fetched_at
        """)
    {
        Parameters =
        {
            new() { Value = marketplace },
            new() { Value = (object?)tree.RootId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
            new() { Value = (object?)tree.Version ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
        },
    };
}
