using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Two replicas, as processes, that all tests of <see cref="ChatCollection"/> share. Those tests stop and kill nothing.</summary>
public sealed class ChatSystemFixture(SharedStores stores) : IAsyncLifetime
{
    internal SendcatSystem System { get; private set; } = null!;

    public async ValueTask InitializeAsync() => System = await SendcatSystem.StartProcessesAsync(
        stores, replicas: 2, ("CHAT_DETACH_GRACE_MS", "1500"), ("ADMISSION_GLOBAL_MAX_MSG_PER_SEC", "1000"),
        ("ADMISSION_GLOBAL_MAX_TOOL_PER_SEC", "2000"), ("CIRCUIT_OPENROUTER_PRIMARY_THRESHOLD", "100"),
        ("CIRCUIT_OPENROUTER_SECONDARY_THRESHOLD", "100"), ("CHAT_PROVIDER_IDLE_TIMEOUT_MS", "1500"),
        ("CHAT_GUEST_MODELS", "*,openai/gpt-4.1"), ("CHAT_UI_BODY_MAX_BYTES", "1048576"));

    public ValueTask DisposeAsync() => System.DisposeAsync();
}

[CollectionDefinition(nameof(ChatCollection))]
public sealed class ChatCollection : ICollectionFixture<ChatSystemFixture>;
