namespace Sendcat.IntegrationTests.Chat;

/// <summary>Tests with a guest of their own that send unusual requests. None of the requests may log a stack trace.</summary>
public abstract class UnusualRequestTests(ChatSystemFixture fixture) : IAsyncLifetime
{
    private int _traces;

    private protected SendcatSystem Sendcat { get; } = fixture.System;

    private protected SendcatClient Guest { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Guest = await Sendcat.GuestAsync();
        _traces = Sendcat.Api.StackTraces;
    }

    public ValueTask DisposeAsync()
    {
        Guest.Dispose();
        Assert.True(Sendcat.Api.StackTraces <= _traces, "A stack trace was logged");
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
