using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Target;

namespace Sendcat.Attacks.Attacks;

/// <summary>Has copied the tokens of a user and continues to use them after the user has signed out.</summary>
internal sealed class StolenTokens : Attack
{
    private const string Password = "a good password 1";

    /// <summary>The maximum time until every replica rejects the access token.</summary>
    private static readonly TimeSpan RevocationTime = TimeSpan.FromSeconds(5);

    public override byte Number => 14;

    public override string Title => "stolen tokens stay valid after the sign-out";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var owner = await run.From(Address(0)).AsUserAsync(AttackedSystem.NewEmail(), Password, cancellationToken);
        var attacker = run.From(Address(1)).WithBearer(owner.AccessToken!);
        run.Check((await attacker.GetAsync("/api/auth/me", cancellationToken)).Status == 200, "the token is valid before the sign-out");

        var first = (await owner.PostAsync(
            "/api/auth/refresh", new { refreshToken = owner.RefreshToken }, cancellationToken)).EnsureSuccess();
        var second = (await owner.PostAsync(
            "/api/auth/refresh", new { refreshToken = owner.RefreshToken }, cancellationToken)).EnsureSuccess();
        run.Check(
            (string)first.Json["refreshToken"]! == (string)second.Json["refreshToken"]!,
            "two refreshes at the same time return the same new token");

        var newest = (string)first.Json["refreshToken"]!;
        run.Check(
            (await owner.PostAsync("/api/auth/logout", new { refreshToken = newest }, cancellationToken)).Status == 204,
            "the owner signs out");
        run.Check(
            await IsRevokedAsync(attacker, cancellationToken),
            $"the access token is invalid within {RevocationTime.TotalSeconds:0} s of the sign-out");
        var refresh = await attacker.PostAsync("/api/auth/refresh", new { refreshToken = newest }, cancellationToken);
        run.Check(refresh.Status == 401, "the refresh token is invalid", refresh);
        var chat = await attacker.PostAsync("/api/chat", new { threadId = Guid.NewGuid() }, cancellationToken);
        run.Check(chat.Status == 401, "no turn can be started with the old token", chat);
    }

    private static async Task<bool> IsRevokedAsync(Caller attacker, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (TimeProvider.System.GetElapsedTime(began) < RevocationTime)
        {
            if ((await attacker.GetAsync("/api/auth/me", cancellationToken)).Status == 401)
            {
                return true;
            }

            await timer.WaitForNextTickAsync(cancellationToken);
        }

        return false;
    }
}
