with

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where decision = 'accepted'

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

match_reasons as (

    select * from {{ ref('int_account_mapping__match_reasons') }}

),

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}

),

partner_accounts as (

    select * from {{ ref('int_account_mapping__partner_accounts') }}

),

first_seen as (

    select * from {{ ref('int_account_mapping__overlap_first_seen') }}

),

final as (

    select
        ---------- ids
        links.partner_id,
        links.account_id,
        links.partner_account_id,
        links.our_unit_id as our_ultimate_parent_account_id,
        links.partner_unit_id as partner_ultimate_parent_account_id,

        ---------- text
        {{ account_mapping.partner_columns('links') | indent(8) }},
        accounts.name as account_name,
        partner_accounts.name as partner_account_name,
        accounts.status as our_status,
        partner_accounts.status as partner_status,
        {{ account_mapping.status_of_rank('links.our_unit_status_rank') }} as our_family_status,
        {{ account_mapping.status_of_rank('links.partner_unit_status_rank') }} as partner_family_status,
        {{ account_mapping.spreadsheet_safe('accounts.owner') }} as our_owner,
        {{ account_mapping.spreadsheet_safe('accounts.owner_email') }} as our_owner_email,
        {{ account_mapping.spreadsheet_safe('partner_accounts.owner') }} as partner_owner,
        {{ account_mapping.spreadsheet_safe('partner_accounts.owner_email') }} as partner_owner_email,
        {{ account_mapping.spreadsheet_safe('accounts.crm_status') }} as our_crm_status,
        {{ account_mapping.spreadsheet_safe('accounts.deal_stage') }} as our_deal_stage,
        {{ account_mapping.spreadsheet_safe('partner_accounts.deal_stage') }} as partner_deal_stage,
        accounts.target_lists as our_target_lists,
        links.relationship,
        links.match_method,
        match_reasons.match_reason,

        ---------- numerics
        accounts.open_amount as our_open_amount,
        accounts.open_deals as our_open_deals,
        partner_accounts.open_amount as partner_open_amount,
        links.our_unit_open_amount as our_family_open_amount,
        links.match_probability,

        ---------- dates and timestamps
        first_seen.first_seen_at,
        accounts.deal_close_date as our_deal_close_date,
        accounts.last_won_on as our_last_won_on,
        partner_accounts.deal_close_date as partner_deal_close_date,
        partner_accounts.last_won_on as partner_last_won_on,

        ---------- flags
        links.is_primary

    from links
    inner join match_reasons
        on
            links.partner_id = match_reasons.partner_id
            and links.account_id = match_reasons.account_id
            and links.partner_account_id = match_reasons.partner_account_id
    inner join accounts
        on links.account_id = accounts.account_id
    inner join partner_accounts
        on
            links.partner_id = partner_accounts.partner_id
            and links.partner_account_id = partner_accounts.account_id
    inner join first_seen
        on
            links.partner_id = first_seen.partner_id
            and links.account_id = first_seen.account_id
            and links.partner_account_id = first_seen.partner_account_id
    left join partners
        on links.partner_id = partners.partner_id

)

select * from final
order by partner_id, account_id, partner_account_id
