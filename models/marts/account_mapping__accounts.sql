with

mapped_accounts as (

    select * from {{ ref('int_account_mapping__mapped_accounts') }}

),

account_changes as (

    select * from {{ ref('int_account_mapping__account_changes') }}

),

final as (

    select
        ---------- ids
        mapped_accounts.account_id,
        mapped_accounts.source_relation,
        mapped_accounts.source_account_id,
        mapped_accounts.ultimate_parent_account_id,
        mapped_accounts.duplicate_group_id,

        ---------- text
        mapped_accounts.name,
        mapped_accounts.status,
        mapped_accounts.domains,
        mapped_accounts.country_code,
        mapped_accounts.owner,
        mapped_accounts.owner_email,
        mapped_accounts.exclusion_reason,
        mapped_accounts.partners,
        mapped_accounts.best_partner_id,
        mapped_accounts.best_play,
        mapped_accounts.pass_through,
        mapped_accounts.content_hash,

        ---------- numerics
        mapped_accounts.open_amount,
        mapped_accounts.n_partners,

        ---------- dates and timestamps
        account_changes.changed_at,

        ---------- flags
        mapped_accounts.is_excluded

    from mapped_accounts
    inner join account_changes
        on mapped_accounts.account_id = account_changes.account_id

)

select * from final
order by account_id
