{% macro key_rows_offered(blinded) -%}
    {#- CTEs that end with `final`: the hashed keys of our offered accounts, as a partner that exchanges keys gets them, or,
        blinded, those whose points a partner gets by private set intersection. -#}
partners as (

    select * from {{ ref('int_account_mapping__partners') }}
    where {{ 'coalesce(is_blinded, false)' if blinded else 'not coalesce(is_blinded, false)' }}

),

offered_accounts as (

    select * from {{ ref('int_account_mapping__offered_accounts') }}
    {%- if not blinded %}
    where is_shared
    {%- endif %}

),

match_keys as (

    select * from {{ ref('int_account_mapping__match_keys') }}

),

-- an account without any key still stands in its family and in the denominator of a clean room
keyless as (

    select
        partner_id,
        account_id

    from match_keys
    group by partner_id, account_id
    having max(case when key_type not in ('account', 'person') then 1 else 0 end) = 0

),

-- of accounts whose keys leave only, so that a parent which is but counted stays unknown
account_tokens as (

    select
        match_keys.partner_id,
        match_keys.account_id,
        match_keys.token as account_token

    from match_keys
    inner join offered_accounts
        on
            match_keys.partner_id = offered_accounts.partner_id
            and match_keys.account_id = offered_accounts.account_id
    where match_keys.key_type = 'account'

),

final as (

    select
        match_keys.partner_id,
        coalesce(partners.agreement_id, '') as agreement_id,
        coalesce(partners.epoch, '') as epoch,
        '{{ account_mapping.normaliser_version() }}' as normaliser_version,
        match_keys.key_type,
        match_keys.token,
        account_tokens.account_token,
        parent_tokens.account_token as parent_account_token,
        offered_accounts.shared_status as status
        {%- if blinded %},
        offered_accounts.is_shared
        {%- endif %}

    from match_keys
    inner join partners
        on match_keys.partner_id = partners.partner_id
    inner join offered_accounts
        on
            match_keys.partner_id = offered_accounts.partner_id
            and match_keys.account_id = offered_accounts.account_id
    inner join account_tokens
        on
            match_keys.partner_id = account_tokens.partner_id
            and match_keys.account_id = account_tokens.account_id
    left join account_tokens as parent_tokens
        on
            offered_accounts.partner_id = parent_tokens.partner_id
            and offered_accounts.parent_account_id = parent_tokens.account_id
    left join keyless
        on
            match_keys.partner_id = keyless.partner_id
            and match_keys.account_id = keyless.account_id
    where
        match_keys.key_type <> 'account'
        or keyless.account_id is not null

)
{%- endmacro %}
