using System.Buffers;
using System.Text.Json;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// Reduces a long body in <c>useChat</c> shape while it arrives: of <c>messages</c> only the last user message is kept, of the other
/// properties only those that a chat request has. The history before that message is skipped over and never held in memory; its messages
/// are checked for valid JSON one by one.
/// </summary>
internal sealed class UiBodyReducer(int maxMessageBytes)
{
    private const int MaxKeyBytes = 16;

    /// <summary>The most levels within a message: the body and <c>messages</c> are two.</summary>
    private const int MaxDepth = ChatBodyReader.MaxDepth - 2;

    private static readonly JsonReaderOptions Depth = new() { MaxDepth = MaxDepth };

    private readonly ArrayBufferWriter<byte> _reduced = new();
    private readonly byte[] _key = new byte[MaxKeyBytes];
    private readonly JsonValueCopy _value = new();
    private ArrayBufferWriter<byte> _element = new();
    private ArrayBufferWriter<byte> _lastUserMessage = new();
    private Place _place = Place.BeforeObject;
    private bool _lastMessageIsTooLarge;
    private int _keyBytes;
    private int _properties;
    private bool _keyIsEscaped;

    private enum Place
    {
        BeforeObject,
        BeforeKey,
        InKey,
        AfterKey,
        BeforeValue,
        InValue,
        AfterValue,
        BeforeElement,
        InElement,
        AfterObject,
    }

    /// <summary>Bytes that are held in memory.</summary>
    public int HeldBytes => _reduced.WrittenCount + _element.WrittenCount + _lastUserMessage.WrittenCount;

    /// <summary>The reduced body. Valid after <see cref="Complete"/> has returned null.</summary>
    public ReadOnlyMemory<byte> Reduced => _reduced.WrittenMemory;

    /// <summary>Reads the next bytes of the body.</summary>
    /// <returns>The error; null if the body is fine so far.</returns>
    public ApiError? Add(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        while (at < bytes.Length)
        {
            if (Step(bytes, ref at) is { } error)
            {
                return error;
            }
        }

        return null;
    }

    /// <summary>Call it after the last byte.</summary>
    /// <returns>The error; null if the body is complete.</returns>
    public ApiError? Complete() =>
        _place != Place.AfterObject ? HasNoShape()
        : _lastMessageIsTooLarge ? ApiError.PayloadTooLarge(maxMessageBytes, "The last message")
        : null;

    /// <summary>A body that cannot be parsed has no shape, so the limit of other bodies applies to it.</summary>
    private static ApiError HasNoShape() => ApiError.PayloadTooLarge(JsonBody.OrdinaryLimit);

    private ApiError? Step(ReadOnlySpan<byte> bytes, ref int at)
    {
        var current = bytes[at];
        switch (_place)
        {
            case Place.InKey:
                return ReadKey(bytes, ref at);
            case Place.InValue:
                if (_value.Read(bytes, ref at))
                {
                    _place = Place.AfterValue;
                }

                return _value.HasOverflowed ? ApiError.PayloadTooLarge(_value.Limit) : null;
            case Place.InElement:
                if (!_value.Read(bytes, ref at))
                {
                    return null;
                }

                _place = Place.BeforeElement;
                return EndElement();
            case Place.BeforeObject or Place.BeforeKey or Place.AfterKey or Place.BeforeValue or Place.AfterValue or Place.BeforeElement
                or Place.AfterObject:
                if (current is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
                {
                    at++;
                    return null;
                }

                return StepOverToken(current, ref at) ? null : HasNoShape();
            default:
                throw new InvalidOperationException($"Unknown place {_place}.");
        }
    }

    /// <returns>False if the token is not valid here.</returns>
    private bool StepOverToken(byte token, ref int at)
    {
        switch (_place, token)
        {
            case (Place.BeforeObject, (byte)'{'):
                _reduced.Write("{"u8);
                _place = Place.BeforeKey;
                break;
            case (Place.BeforeKey, (byte)'"'):
                (_keyBytes, _keyIsEscaped) = (0, false);
                _place = Place.InKey;
                break;
            case (Place.BeforeKey, (byte)'}') when _properties == 0:
            case (Place.AfterValue, (byte)'}'):
                _reduced.Write("}"u8);
                _place = Place.AfterObject;
                break;
            case (Place.AfterKey, (byte)':'):
                _place = Place.BeforeValue;
                break;
            case (Place.AfterValue, (byte)','):
                _place = Place.BeforeKey;
                break;
            case (Place.BeforeElement, (byte)','):
                break;
            case (Place.BeforeElement, (byte)']'):
                EndMessages();
                break;
            case (Place.BeforeElement, _):
                _element.Clear();
                _value.Begin(_element, maxMessageBytes);
                _place = Place.InElement;
                return true;
            case (Place.BeforeValue, _):
                return BeginProperty(token, ref at);
            default:
                return false;
        }

        at++;
        return true;
    }

    private ApiError? ReadKey(ReadOnlySpan<byte> bytes, ref int at)
    {
        var current = bytes[at++];
        if (current == (byte)'"' && !_keyIsEscaped)
        {
            _place = Place.AfterKey;
            return null;
        }

        _keyIsEscaped = current == (byte)'\\' && !_keyIsEscaped;
        if (_keyBytes < MaxKeyBytes)
        {
            _key[_keyBytes] = current;
        }

        _keyBytes++;
        return null;
    }

    private bool BeginProperty(byte first, ref int at)
    {
        _properties++;
        var key = _keyBytes <= MaxKeyBytes ? _key.AsSpan(0, _keyBytes) : default;
        if (key.SequenceEqual("messages"u8) && first == (byte)'[')
        {
            at++;
            _place = Place.BeforeElement;
            return true;
        }

        var isMessage = key.SequenceEqual("message"u8);
        var isKnown = isMessage || key.SequenceEqual("id"u8) || key.SequenceEqual("threadId"u8) || key.SequenceEqual("trigger"u8)
            || key.SequenceEqual("messageId"u8) || key.SequenceEqual("modelId"u8) || key.SequenceEqual("webSearch"u8)
            || key.SequenceEqual("sessionId"u8) || key.SequenceEqual("clientId"u8) || key.SequenceEqual("messages"u8);
        if (isKnown)
        {
            WriteKey(key);
        }

        _value.Begin(isKnown ? _reduced : null, _reduced.WrittenCount + (isMessage ? maxMessageBytes : JsonBody.OrdinaryLimit));
        _place = Place.InValue;
        return true;
    }

    private void WriteKey(ReadOnlySpan<byte> key)
    {
        if (_reduced.WrittenCount > 1)
        {
            _reduced.Write(","u8);
        }

        _reduced.Write("\""u8);
        _reduced.Write(key);
        _reduced.Write("\":"u8);
    }

    private ApiError? EndElement()
    {
        try
        {
            // Of a message that is too large only the beginning was kept. If it does not show the role, it may be the user's.
            var isWhole = !_value.HasOverflowed;
            var isUser = RoleOf(new Utf8JsonReader(_element.WrittenSpan, isWhole, new JsonReaderState(Depth))) is null or "user";
            if (isUser && (!isWhole || RoleOf(new Utf8JsonReader(_element.WrittenSpan, Depth)) == "user"))
            {
                _lastMessageIsTooLarge = !isWhole;
                (_element, _lastUserMessage) = (_lastUserMessage, _element);
            }

            return null;
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            return JsonBody.IsTooDeep(new ReadOnlySequence<byte>(_element.WrittenMemory), MaxDepth)
                ? ApiError.JsonTooDeep(ChatBodyReader.MaxDepth)
                : HasNoShape();
        }
    }

    private void EndMessages()
    {
        WriteKey("messages"u8);
        _reduced.Write("["u8);
        if (!_lastMessageIsTooLarge)
        {
            _reduced.Write(_lastUserMessage.WrittenSpan);
        }

        _reduced.Write("]"u8);
        _place = Place.AfterValue;
    }

    /// <summary>Reads the whole element, so that its JSON is checked.</summary>
    /// <returns>Null without a role.</returns>
    private static string? RoleOf(Utf8JsonReader reader)
    {
        string? role = null;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return "";
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isRole = reader.ValueTextEquals("role"u8);
            if (!reader.Read() || !reader.TrySkip())
            {
                break;
            }

            role = isRole && reader.TokenType == JsonTokenType.String ? reader.GetString() : role;
        }

        return role;
    }
}
