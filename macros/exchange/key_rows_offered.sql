{% macro key_rows_offered(blinded) -%}
    {#- CTEs that end with `final`: the hashed keys of our offered accounts, as a partner that exchanges keys gets them, or,
        blinded, those whose points a partner gets by private set intersection. -#}
partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

offered_tokens as (

    select * from {{ ref('int_account_mapping__offered_tokens') }}
    where {{ 'is_blinded' if blinded else 'not is_blinded' }}

),

match_keys as (

    select * from {{ ref('int_account_mapping__match_keys') }}

),

-- an account without any key still stands in its family and in the denominator of a clean room
final as (

    select
        match_keys.partner_id,
        coalesce(partners.agreement_id, '') as agreement_id,
        coalesce(partners.epoch, '') as epoch,
        '{{ account_mapping.normaliser_version() }}' as normaliser_version,
        match_keys.key_type,
        match_keys.token,
        offered_tokens.account_token,
        offered_tokens.parent_account_token,
        offered_tokens.status
        {%- if blinded %},
        offered_tokens.is_shared
        {%- endif %}

    from match_keys
    inner join partners
        on match_keys.partner_id = partners.partner_id
    inner join offered_tokens
        on
            match_keys.partner_id = offered_tokens.partner_id
            and match_keys.account_id = offered_tokens.account_id
    where
        match_keys.key_type <> 'account'
        or offered_tokens.is_keyless

)
{%- endmacro %}
