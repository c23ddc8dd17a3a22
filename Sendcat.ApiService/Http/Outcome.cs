using System.Diagnostics.CodeAnalysis;

namespace Sendcat.ApiService.Http;

/// <summary>Either a value or the error response that replaces it.</summary>
internal readonly struct Outcome<T>
    where T : notnull
{
    private readonly T? _value;
    private readonly ApiError? _error;

    private Outcome(T? value, ApiError? error)
    {
        _value = value;
        _error = error;
    }

    public static implicit operator Outcome<T>(T value) => new(value, null);

    public static implicit operator Outcome<T>(ApiError error) => new(default, error);

    public bool TryGet([NotNullWhen(true)] out T? result, [NotNullWhen(false)] out ApiError? refusal)
    {
        result = _value;
        refusal = _error;
        return _error is null;
    }
}
