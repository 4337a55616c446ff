with

partners as (

    select
        partner_id,
        coalesce(is_blinded, false) as is_blinded

    from {{ ref('int_account_mapping__partners') }}

),

-- of accounts that only serve to count nothing is known to a partner that gets a file of keys
offered_accounts as (

    select
        offered_accounts.*,
        partners.is_blinded

    from {{ ref('int_account_mapping__offered_accounts') }} as offered_accounts
    inner join partners
        on offered_accounts.partner_id = partners.partner_id
    where
        offered_accounts.is_shared
        or partners.is_blinded

),

account_tokens as (

    select
        partner_id,
        account_id,
        token as account_token

    from {{ ref('int_account_mapping__match_keys') }}
    where key_type = 'account'

),

keyed_accounts as (

    select distinct
        partner_id,
        account_id

    from {{ ref('int_account_mapping__match_keys') }}
    where key_type not in ('account', 'person')

),

-- a parent that leaves itself
parent_tokens as (

    select
        account_tokens.partner_id,
        account_tokens.account_id,
        account_tokens.account_token

    from account_tokens
    inner join offered_accounts
        on
            account_tokens.partner_id = offered_accounts.partner_id
            and account_tokens.account_id = offered_accounts.account_id

),

final as (

    select
        offered_accounts.partner_id,
        offered_accounts.account_id,
        account_tokens.account_token,
        parent_tokens.account_token as parent_account_token,
        offered_accounts.shared_status as status,
        offered_accounts.is_shared,
        offered_accounts.is_blinded,
        keyed_accounts.account_id is null as is_keyless

    from offered_accounts
    inner join account_tokens
        on
            offered_accounts.partner_id = account_tokens.partner_id
            and offered_accounts.account_id = account_tokens.account_id
    left join parent_tokens
        on
            offered_accounts.partner_id = parent_tokens.partner_id
            and offered_accounts.parent_account_id = parent_tokens.account_id
    left join keyed_accounts
        on
            offered_accounts.partner_id = keyed_accounts.partner_id
            and offered_accounts.account_id = keyed_accounts.account_id

)

select * from final
