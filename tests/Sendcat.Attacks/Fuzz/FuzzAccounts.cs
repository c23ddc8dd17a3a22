using System.Text.Json.Nodes;
using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Target;

namespace Sendcat.Attacks.Fuzz;

/// <summary>Creates the guests and users of the fuzzer, and the guest whose thread the fuzzer may never read.</summary>
internal sealed class FuzzAccounts(AttackedSystem system)
{
    /// <summary>The second byte of the source addresses of these accounts.</summary>
    private const byte Net = 199;

    private int _created;

    /// <summary>The ids of a thread and a message of another guest. The message is <see cref="RunSecrets.PrivateText"/>.</summary>
    public (string Thread, string Message) Victim { get; private set; }

    public async Task CreateVictimAsync(CancellationToken cancellationToken)
    {
        using var victim = await NewCaller().AsGuestAsync(cancellationToken);
        var thread = await victim.NewThreadAsync(cancellationToken);
        var message = (await victim.PostAsync(
            $"/api/threads/{thread}/messages", new { content = system.Secrets.PrivateText }, cancellationToken)).EnsureSuccess();
        Victim = (thread, (string)message.Json["id"]!);
    }

    public async Task<FuzzIdentity> GuestAsync(CancellationToken cancellationToken)
    {
        using var guest = await NewCaller().AsGuestAsync(cancellationToken);
        var identity = new FuzzIdentity { Session = guest.Session };
        await CreateThreadsAsync(guest, identity, cancellationToken);
        return identity;
    }

    public async Task<FuzzIdentity> UserAsync(CancellationToken cancellationToken)
    {
        using var user = await NewCaller().AsUserAsync(AttackedSystem.NewEmail(), "a fuzzer's password 1", cancellationToken);
        var identity = new FuzzIdentity { Bearer = user.AccessToken, RefreshToken = user.RefreshToken };
        await CreateThreadsAsync(user, identity, cancellationToken);
        return identity;
    }

    private Caller NewCaller() => system.From(SourceAddress.Of(Net, Interlocked.Increment(ref _created)));

    /// <summary>Creates two threads with one message and a share token each.</summary>
    private static async Task CreateThreadsAsync(Caller caller, FuzzIdentity identity, CancellationToken cancellationToken)
    {
        for (var n = 0; n < 2; n++)
        {
            var thread = await caller.NewThreadAsync(cancellationToken);
            identity.Threads.Add(thread);
            var message = (await caller.PostAsync(
                $"/api/threads/{thread}/messages", new { content = RequestSamples.Prompt }, cancellationToken)).EnsureSuccess();
            identity.Messages.Add((string)message.Json["id"]!);
            var share = await caller.PostAsync($"/api/threads/{thread}/share", cancellationToken: cancellationToken);
            if (share.Status is 200 or 201 && JsonNode.Parse(share.Text)?["shareToken"] is { } token)
            {
                identity.ShareTokens.Add((string)token!);
            }
        }
    }
}
