with

named_company_records as (

    select * from {{ ref('int_account_mapping__named_company_records') }}

),

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}

),

first_seen as (

    select
        company_id,
        min(valid_from) as first_seen_on

    from {{ ref('int_account_mapping__company_register') }}
    where
        record = 'member'
        and (valid_to is null or valid_to > valid_from)
    group by company_id

),

ultimate_parents as (

    select distinct ultimate_parent_account_id as account_id
    from accounts
    where ultimate_parent_account_id <> account_id

),

our_records as (

    select
        named_company_records.company_id,
        named_company_records.family_group_id,
        accounts.account_id,
        accounts.name,
        case when ultimate_parents.account_id is null then 0 else 1 end as is_ultimate_parent,
        row_number() over (
            partition by named_company_records.company_id
            order by {{ account_mapping.status_rank('accounts.status') }}, accounts.account_id
        ) as preference

    from named_company_records
    inner join accounts
        on named_company_records.account_id = accounts.account_id
    left join ultimate_parents
        on accounts.account_id = ultimate_parents.account_id
    where named_company_records.side = 'ours'

),

our_side as (

    select
        company_id,
        min(family_group_id) as family_group_id,
        {{ account_mapping.list_text('account_id') }} as account_ids,
        count(*) as our_accounts,
        max(case when preference = 1 then name end) as name,
        max(is_ultimate_parent) as has_ultimate_parent

    from our_records
    group by company_id

),

partner_records as (

    select
        company_id,
        partner_id,
        partner_id || ':' || account_id as partner_account_id

    from named_company_records
    where side = 'partner'

),

partner_side as (

    select
        company_id,
        {{ account_mapping.list_text('partner_account_id') }} as partner_account_ids,
        {{ account_mapping.list_text('partner_id') }} as partners,
        count(*) as partner_accounts,
        count(distinct partner_id) as n_partners

    from partner_records
    group by company_id

),

companies as (

    select
        our_side.*,
        first_seen.first_seen_on

    from our_side
    inner join first_seen
        on our_side.company_id = first_seen.company_id

),

final as (

    select
        ---------- ids
        companies.company_id,
        -- the company at the top of the family, or else the one that was there first
        first_value(companies.company_id) over (
            partition by companies.family_group_id
            order by companies.has_ultimate_parent desc, companies.first_seen_on, companies.company_id
        ) as family_id,

        ---------- text
        companies.name,
        companies.account_ids,
        partner_side.partner_account_ids,
        partner_side.partners,

        ---------- numerics
        cast(companies.our_accounts as bigint) as our_accounts,
        cast(coalesce(partner_side.partner_accounts, 0) as bigint) as partner_accounts,
        cast(coalesce(partner_side.n_partners, 0) as bigint) as n_partners,
        cast(count(*) over (partition by companies.family_group_id) as bigint) as family_companies,

        ---------- dates
        companies.first_seen_on

    from companies
    left join partner_side
        on companies.company_id = partner_side.company_id

)

select * from final
order by company_id
