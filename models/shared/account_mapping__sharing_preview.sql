with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

account_sharing as (

    select * from {{ ref('int_account_mapping__account_sharing') }}

),

account_tokens as (

    select * from {{ ref('int_account_mapping__match_keys') }}
    where key_type = 'account'

),

shared_keys as (

    select * from {{ ref('account_mapping__shared_keys') }}

),

shared_fields as (

    select * from {{ ref('account_mapping__shared_fields') }}

),

leaving_counts as (

    select * from {{ ref('int_account_mapping__leaving_counts') }}

),

pending_keys as (

    select * from {{ ref('int_account_mapping__pending_keys') }}

),

-- an account without any other key leaves by its own token
accounts_with_pending_keys as (

    select distinct
        partner_id,
        account_id

    from pending_keys
    where key_type <> 'account'

),

normalized as (

    select * from {{ ref('int_account_mapping__normalized') }}
    where side = 'ours'

),

previewed as (

    select
        shared_keys.partner_id,
        'keys' as kind,
        'leaves' as sharing_state,
        'in_force' as reason,
        account_tokens.account_id,
        cast(null as {{ dbt.type_string() }}) as rollup,
        cast(null as {{ dbt.type_string() }}) as our_status,
        cast(null as {{ dbt.type_string() }}) as partner_status,
        shared_keys.key_type as item,
        shared_keys.status as item_value,
        shared_keys.token,
        shared_keys.account_token,
        cast(null as {{ dbt.type_string() }}) as partner_account_token

    from shared_keys
    inner join account_tokens
        on
            shared_keys.partner_id = account_tokens.partner_id
            and shared_keys.account_token = account_tokens.token

    union all

    select
        pending_keys.partner_id,
        'keys' as kind,
        'if_accepted' as sharing_state,
        'no_statement' as reason,
        pending_keys.account_id,
        cast(null as {{ dbt.type_string() }}) as rollup,
        cast(null as {{ dbt.type_string() }}) as our_status,
        cast(null as {{ dbt.type_string() }}) as partner_status,
        pending_keys.key_type as item,
        case when pending_keys.key_type <> 'account' then pending_keys.key_value end as item_value,
        cast(null as {{ dbt.type_string() }}) as token,
        cast(null as {{ dbt.type_string() }}) as account_token,
        cast(null as {{ dbt.type_string() }}) as partner_account_token

    from pending_keys
    left join accounts_with_pending_keys
        on
            pending_keys.partner_id = accounts_with_pending_keys.partner_id
            and pending_keys.account_id = accounts_with_pending_keys.account_id
    where
        pending_keys.key_type <> 'account'
        or accounts_with_pending_keys.account_id is null

    union all

    select
        shared_fields.partner_id,
        'fields' as kind,
        'leaves' as sharing_state,
        'in_force' as reason,
        account_tokens.account_id,
        cast(null as {{ dbt.type_string() }}) as rollup,
        cast(null as {{ dbt.type_string() }}) as our_status,
        cast(null as {{ dbt.type_string() }}) as partner_status,
        shared_fields.field as item,
        shared_fields.value as item_value,
        cast(null as {{ dbt.type_string() }}) as token,
        shared_fields.account_token,
        shared_fields.partner_account_token

    from shared_fields
    inner join account_tokens
        on
            shared_fields.partner_id = account_tokens.partner_id
            and shared_fields.account_token = account_tokens.token

    union all

    select
        partner_id,
        'counts' as kind,
        'leaves' as sharing_state,
        'in_force' as reason,
        cast(null as {{ dbt.type_string() }}) as account_id,
        rollup,
        our_status,
        partner_status,
        cell_state as item,
        cast(companies as {{ dbt.type_string() }}) as item_value,
        cast(null as {{ dbt.type_string() }}) as token,
        cast(null as {{ dbt.type_string() }}) as account_token,
        cast(null as {{ dbt.type_string() }}) as partner_account_token

    from leaving_counts

    union all

    select
        partner_id,
        'keys' as kind,
        sharing_state,
        reason,
        account_id,
        cast(null as {{ dbt.type_string() }}) as rollup,
        cast(null as {{ dbt.type_string() }}) as our_status,
        cast(null as {{ dbt.type_string() }}) as partner_status,
        cast(null as {{ dbt.type_string() }}) as item,
        cast(null as {{ dbt.type_string() }}) as item_value,
        cast(null as {{ dbt.type_string() }}) as token,
        cast(null as {{ dbt.type_string() }}) as account_token,
        cast(null as {{ dbt.type_string() }}) as partner_account_token

    from account_sharing
    where sharing_state = 'stays'

),

final as (

    select
        previewed.partner_id,
        partners.partner_name,
        partners.partner_type,
        partners.tier,
        previewed.kind,
        previewed.sharing_state,
        previewed.reason,
        previewed.account_id,
        normalized.display_name as account_name,
        coalesce(account_sharing.our_status, previewed.our_status) as our_status,
        previewed.partner_status,
        previewed.rollup,
        previewed.item,
        previewed.item_value,
        previewed.token,
        previewed.account_token,
        previewed.partner_account_token

    from previewed
    inner join partners
        on previewed.partner_id = partners.partner_id
    left join account_sharing
        on
            previewed.partner_id = account_sharing.partner_id
            and previewed.account_id = account_sharing.account_id
    left join normalized
        on previewed.account_id = normalized.account_id

)

select * from final
