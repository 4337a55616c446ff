with

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

account_keys as (

    select * from {{ ref('int_account_mapping__account_keys') }}

),

partner_field_rows as (

    select * from {{ ref('int_account_mapping__partner_field_rows') }}

),

hashed_accounts as (

    select distinct account_id from {{ ref('int_account_mapping__hashed_keys') }}
    where key_type <> 'account'

),

offered_accounts as (

    select distinct partner_id from {{ ref('int_account_mapping__hashed_keys') }}
    where key_type = 'account'

),

-- by private set intersection a partner tells of matched keys only
matched_partners as (

    select distinct partner_id from {{ ref('int_account_mapping__key_rows') }}
    where
        side = 'partner'
        and problem is null

),

known_partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}

),

partners as (

    select * from known_partners
    where is_active

),

sharing_agreements as (

    select * from {{ ref('stg_account_mapping__settings_sharing_agreements') }}

),

partner_agreements as (

    select * from {{ ref('stg_account_mapping__partner_agreements') }}

),

-- which partners we state something to, and which have stated something
our_offers as (

    select distinct partner_id from sharing_agreements
    where
        direction = 'offered'
        and sharing_level <> 'hidden'
        and (valid_from is null or valid_from <= {{ account_mapping.as_of() }})
        and (valid_until is null or valid_until >= {{ account_mapping.as_of() }})

),

partner_statements as (

    select
        partner_id,
        max(case when is_malformed then 1 else 0 end) = 1 as is_malformed

    from partner_agreements
    group by partner_id

),

final as (

    select
        account_records.source_relation as source,
        account_records.source_account_id as row_key,
        'nothing_to_match_by' as problem,
        account_records.account_name as detail

    from account_records
    left join account_keys
        on
            account_keys.side = 'ours'
            and account_records.account_id = account_keys.account_id
    left join hashed_accounts
        on account_records.account_id = hashed_accounts.account_id
    where
        account_keys.account_id is null
        and hashed_accounts.account_id is null

    union all

    select
        'partners.partner_fields' as source,
        coalesce(partner_id, '(no partner)') as row_key,
        problem,
        cast(count(*) as {{ dbt.type_string() }}) || ' values of ' || coalesce(field, '(no field)') as detail

    from partner_field_rows
    where
        problem is not null
        and problem <> 'inactive_partner'
    group by partner_id, problem, field

    union all

    select
        'account_mapping__partners' as source,
        partners.partner_id as row_key,
        case
            when offered_accounts.partner_id is not null then 'nothing_intersected'
            when our_offers.partner_id is null then 'nothing_offered'
            when partner_statements.partner_id is null then 'no_statement'
            when partner_statements.is_malformed then 'malformed_statement'
            else 'nothing_in_force'
        end as problem,
        cast(null as {{ dbt.type_string() }}) as detail

    from partners
    left join offered_accounts
        on partners.partner_id = offered_accounts.partner_id
    left join our_offers
        on partners.partner_id = our_offers.partner_id
    left join partner_statements
        on partners.partner_id = partner_statements.partner_id
    left join matched_partners
        on partners.partner_id = matched_partners.partner_id
    where
        partners.exchange in ('keys', 'psi')
        and (
            offered_accounts.partner_id is null
            or (partners.exchange = 'psi' and matched_partners.partner_id is null)
        )

)

select * from final
