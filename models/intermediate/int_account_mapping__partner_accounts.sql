with

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}

),

partner_statuses as (

    select * from {{ ref('int_account_mapping__partner_statuses') }}

),

normalized as (

    select * from {{ ref('int_account_mapping__normalized') }}
    where side = 'partner'

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where side = 'partner'

),

excluded_accounts as (

    select * from {{ ref('int_account_mapping__excluded_accounts') }}
    where side = 'partner'

),

account_domains as (

    select
        partner_id,
        account_id,
        {{ account_mapping.list_text('domain') }} as domains

    from {{ ref('int_account_mapping__account_domains') }}
    where side = 'partner'
    group by partner_id, account_id

),

joined as (

    select
        ---------- ids
        partner_records.partner_id,
        partner_records.account_id,
        members.unit_id as ultimate_parent_account_id,

        ---------- text
        coalesce(
            normalized.display_name, {{ account_mapping.spreadsheet_safe('partner_records.website') }}
        ) as name,
        partner_statuses.status,
        account_domains.domains,
        partner_records.website,
        normalized.country_code,
        partner_records.state,
        partner_records.city,
        partner_records.postal_code,
        coalesce(partner_records.owner_name, partner_records.owner_email) as owner,
        partner_records.owner_email,
        partner_records.segment,
        partner_records.industry,
        normalized.lei,
        normalized.duns,
        normalized.vat_id,
        normalized.linkedin,
        excluded_accounts.reason as exclusion_reason,

        ---------- numerics
        partner_records.annual_revenue,
        partner_records.employee_count,
        members.open_amount,

        ---------- dates and timestamps
        partner_records.customer_since,
        partner_records.updated_at,

        ---------- flags
        excluded_accounts.account_id is not null as is_excluded

    from partner_records
    inner join partner_statuses
        on
            partner_records.partner_id = partner_statuses.partner_id
            and partner_records.account_id = partner_statuses.account_id
    left join normalized
        on
            partner_records.partner_id = normalized.partner_id
            and partner_records.account_id = normalized.account_id
    left join members
        on
            partner_records.partner_id = members.scope
            and partner_records.account_id = members.account_id
    left join excluded_accounts
        on
            partner_records.partner_id = excluded_accounts.for_partner_id
            and partner_records.account_id = excluded_accounts.account_id
    left join account_domains
        on
            partner_records.partner_id = account_domains.partner_id
            and partner_records.account_id = account_domains.account_id

),

final as (

    select
        *,
        {{ account_mapping.content_hash([
            'partner_id', 'account_id', 'ultimate_parent_account_id', 'name', 'status', 'domains', 'website',
            'country_code', 'state', 'city', 'postal_code', 'owner', 'owner_email', 'segment', 'industry', 'lei',
            'duns', 'vat_id', 'linkedin', 'exclusion_reason', 'annual_revenue', 'employee_count', 'open_amount',
            'customer_since', 'is_excluded',
        ]) }} as content_hash

    from joined

)

select * from final
