using Sendcat.IntegrationTests.Chat;
using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.ChatTools;

/// <summary>
/// Two replicas and two workers that all tests of <see cref="ToolCollection"/> share. Each test searches with its own queries, because
/// results are cached.
/// </summary>
public sealed class ToolSystemFixture(SharedStores stores) : IAsyncLifetime
{
    internal SendcatSystem System { get; private set; } = null!;

    public async ValueTask InitializeAsync() => System = await SendcatSystem.StartWithToolsAsync(
        stores, replicas: 2, workers: 2, ("CHAT_DETACH_GRACE_MS", "1500"), ("CHAT_KEEPALIVE_MS", "2000"),
        ("ADMISSION_GLOBAL_MAX_MSG_PER_SEC", "1000"), ("ADMISSION_GLOBAL_MAX_TOOL_PER_SEC", "2000"), ("CIRCUIT_SERPER_THRESHOLD", "100"),
        ("CIRCUIT_EBAY_THRESHOLD", "100"), ("CIRCUIT_GLOBAL_SEARCH_THRESHOLD", "100"), ("TOOL_JOB_RETRY_BASE_MS", "100"),
        // Parallel tests may delay a job beyond the default. Other tests cover the timeout.
        ("TOOL_JOB_WAIT_MS", "60000"));

    public ValueTask DisposeAsync() => System.DisposeAsync();
}

[CollectionDefinition(nameof(ToolCollection))]
public sealed class ToolCollection : ICollectionFixture<ToolSystemFixture>;
